/**
 * Fairlead as a library: a load balancer started from a config object, and a typed config for `fairlead.ts` files.
 *
 * @module
 */
export type { BackendStatus, ListenerStatus, PoolStatus, Readiness, Status, WorkerStatus } from './admin/schema.ts';
export { ConfigError } from './config/config-error.ts';
export { defineConfig } from './config/define.ts';
export type { Problem } from './config/problem.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export {
  createFairlead,
  type Fairlead,
  type FairleadEvents,
  type FairleadListener,
  type FairleadOptions,
} from './library/fairlead.ts';
export type { HealthWord, Transition } from './runtime/health-keeper.ts';
export type { OpenListener } from './runtime/running.ts';

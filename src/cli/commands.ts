import type { Command } from './command.ts';

/** The commands there are; a file is loaded when its command is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: () => import('./run.ts'),
  check: () => import('./check.ts'),
  demo: () => import('./demo.ts'),
  explain: () => import('./explain.ts'),
  status: () => import('./status.ts'),
  top: () => import('./top.ts'),
  bench: () => import('./bench.ts'),
  drain: () => import('./drain.ts'),
  enable: () => import('./enable.ts'),
  disable: () => import('./disable.ts'),
  weight: () => import('./weight.ts'),
  reload: () => import('./reload.ts'),
  simulate: () => import('./simulate.ts'),
  schema: () => import('./schema.ts'),
  completion: () => import('./completion.ts'),
};

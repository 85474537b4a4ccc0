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
  schema: () => import('./schema.ts'),
  completion: () => import('./completion.ts'),
};

/** The commands that are planned and named in the docs of the project, so that asking for one gets a straight answer. */
export const plannedCommands: readonly string[] = ['simulate'];

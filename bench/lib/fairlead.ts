import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { portsReady } from './ports.ts';
import type { ProcessGroup, RunningProcess } from './processes.ts';

/** The command of this checkout. */
export const FAIRLEAD_MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How to start a Fairlead of its own for a run. */
export interface FairleadSpec {
  /** The text of its config file. */
  readonly config: string;
  /** Ports of 127.0.0.1 that accept once it is ready. */
  readonly ports: readonly number[];
  readonly core?: number | undefined;
  readonly nodeFlags?: readonly string[];
}

/** A Fairlead of a run. */
export interface RunningFairlead {
  readonly process: RunningProcess;
  readonly configPath: string;
}

/** Starts Fairlead from a config file in a temporary folder, and resolves once its ports accept. */
export async function startFairlead(
  group: ProcessGroup,
  { config, ports, core, nodeFlags = [] }: FairleadSpec,
): Promise<RunningFairlead> {
  const configPath = join(group.directory(), 'fairlead.yaml');
  writeFileSync(configPath, config);
  const args = [...nodeFlags, FAIRLEAD_MAIN, 'run', configPath];
  const running = await group.start({ name: 'fairlead', command: process.execPath, args, core });
  await portsReady(running, ports);
  return { process: running, configPath };
}

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Stage {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Runs every stage even when an earlier one failed, so that one run shows everything that is wrong, and returns the
 * names of those that failed. `run` starts a stage and returns its exit code.
 */
export function failedStages(stages: readonly Stage[], run: (stage: Stage) => number): string[] {
  return stages.filter((stage) => run(stage) !== 0).map((stage) => stage.name);
}

/** The stages of `npm test`; Vitest comes last so that its summary closes the output, and gets `vitestArgs` added. */
export function stagesFor(vitestArgs: readonly string[]): Stage[] {
  return [
    { name: 'types', command: 'tsc', args: ['-p', '.'] },
    { name: 'package types', command: 'tsc', args: ['-p', 'tsconfig.build.json', '--noEmit'] },
    { name: 'dashboard types', command: 'tsc', args: ['-p', 'src/admin/dashboard'] },
    { name: 'lint', command: 'biome', args: ['ci', '.'] },
    { name: 'tests', command: 'vitest', args: ['run', ...vitestArgs] },
  ];
}

function runStage(stage: Stage): number {
  console.log(`\n> ${stage.name}: ${stage.command} ${stage.args.join(' ')}`);
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { status, error } = spawnSync(stage.command, stage.args, { cwd, stdio: 'inherit' });
  if (error) console.error(error.message);
  return status ?? 1;
}

if (import.meta.main) {
  const failed = failedStages(stagesFor(process.argv.slice(2)), runStage);
  if (failed.length > 0) {
    console.error(`failed: ${failed.join(', ')}`);
    process.exitCode = 1;
  }
}

import type { AdminClient } from '../admin-client.ts';
import type { Io } from '../io.ts';
import { limitOf, loadsOf, spreadsOf } from './findings.ts';
import { generate } from './generate.ts';
import type { LoadSpec } from './load.ts';
import { type Look, look } from './observe.ts';
import { ProgressBar } from './progress-bar.ts';
import { type BenchReport, perSecond, reportOf } from './report.ts';

/** One run of a load test. */
export interface Run {
  readonly spec: LoadSpec;
  readonly processes: number;
  /** Whom to ask about the backends; undefined when there is nobody. */
  readonly client: AdminClient | undefined;
  readonly io: Io;
  readonly signal: AbortSignal;
  /** Before the progress bar. */
  readonly label: string;
}

/** Sends the load, looks at Fairlead before and after, and says what was found. */
export async function measure({ spec, processes, client, io, signal, label }: Run): Promise<BenchReport> {
  const bar = new ProgressBar(io.stderr, spec.durationMs, label);
  let before: Look | undefined;
  const startedAt = new Date().toISOString();
  try {
    const measured = await generate({
      spec,
      processes,
      signal,
      onProgress: (answered) => bar.update(answered),
      async beforeRun() {
        before = await look(client);
        bar.start();
      },
    });
    const after = await look(client);
    const loads = loadsOf(before!, after, measured.busy);
    const { rate, connections } = spec;
    const limit = limitOf(loads, { perSecond: perSecond(measured), rate, connections });
    const retries = after.fairlead && before!.fairlead ? after.fairlead.retries - before!.fairlead.retries : null;
    return reportOf(measured, { spec, processes, startedAt, loads, limit, retries, pools: spreadsOf(before!, after) });
  } finally {
    bar.end();
  }
}

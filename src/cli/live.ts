import { adminOptions, findAdmin } from './admin-address.ts';
import { AdminClient, type BackendName } from './admin-client.ts';
import { type ArgRules, type Args, readArgs, UsageProblem } from './args.ts';
import { CommandProblem, EXIT_FAILED, refuse } from './command.ts';
import type { Io } from './io.ts';
import { plain } from './plain.ts';

/** What a command that talks to a running instance gets. */
export interface Live {
  readonly client: AdminClient;
  readonly values: Extract<Args, { ok: true }>['values'];
  readonly positionals: readonly string[];
}

/** A command that talks to a running instance. */
export interface LiveCommand extends ArgRules {
  readonly name: string;
  readonly args: readonly string[];
  /** Does the work and gives the exit code; may throw UsageProblem and CommandProblem. */
  run(live: Live): Promise<number>;
}

/** Reads the arguments, finds the instance, does the work, and says in one line what went wrong. */
export async function runLive({ name, args, options, positionals = [], run }: LiveCommand, io: Io): Promise<number> {
  const parsed = readArgs(args, { options: { ...adminOptions, ...options }, positionals });
  if (!parsed.ok) return refuse(io, name, parsed.problem);
  let client: AdminClient | undefined;
  try {
    client = new AdminClient(await findAdmin(parsed.values, io));
    return await run({ client, values: parsed.values, positionals: parsed.positionals });
  } catch (error) {
    if (error instanceof UsageProblem) return refuse(io, name, error.message);
    if (!(error instanceof CommandProblem)) throw error;
    io.stderr.write(`fairlead ${name}: ${plain(error.message)}\n`);
    return EXIT_FAILED;
  } finally {
    client?.close();
  }
}

/** Reads POOL/BACKEND: the names of pools have no slash, the ids of backends may. Throws UsageProblem. */
export function readBackendName(written: string | undefined): BackendName {
  if (written === undefined) throw new UsageProblem('which backend? POOL/BACKEND is missing, as in web/127.0.0.1:3001');
  const slash = written.indexOf('/');
  const [pool, backend] = [written.slice(0, slash), written.slice(slash + 1)];
  if (slash < 1 || backend === '')
    throw new UsageProblem(`'${written}' is no backend, expected POOL/BACKEND, as in web/127.0.0.1:3001`);
  return { pool, backend };
}

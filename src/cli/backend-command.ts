import type { BackendStatus, PoolStatus } from '../admin/schema.ts';
import { closest } from '../support/suggest.ts';
import { adminHelp } from './admin-address.ts';
import { type AdminClient, AdminProblem, type BackendChange, type BackendName } from './admin-client.ts';
import { UsageProblem } from './args.ts';
import { EXIT_OK } from './command.ts';
import type { Io } from './io.ts';
import { type Live, readBackendName, runLive } from './live.ts';

const MOST_NAMES = 10;

/** What the help of these commands says of POOL/BACKEND. */
export const backendHelp = `  POOL/BACKEND is the name of a pool and the id of one of its backends: its name, or else its address, as fairlead
  status shows it. Only the first slash parts the two, so web/unix:/run/app.sock and web/[::1]:3001 are fine.`;

/** The option of every command that changes a backend. */
export const changeOptions = { 'if-match': { type: 'string' } } as const;

/** What the help of these commands says of it. */
export const ifMatchHelp = `  --if-match TAG     only when the pool still has this version, which fairlead status --json shows; default: whatever
                     others have changed meanwhile, the last one wins`;

/** The options and exit codes of those that have no others. */
export const changeHelp = `OPTIONS
${ifMatchHelp}
${adminHelp}
  -h, --help         print this

EXIT CODES
  0  done
  1  the instance cannot be reached or refused, there is no such backend, or its pool has another version
  2  the command line was not understood`;

/** The backend of that name as it is. Throws AdminProblem, with what was probably meant, when there is none. */
export async function findBackend(
  client: AdminClient,
  { pool: name, backend: id }: BackendName,
): Promise<BackendStatus> {
  const pools = await client.pools();
  const pool = pools.find((one) => one.name === name);
  if (pool === undefined)
    throw new AdminProblem(
      `there is no pool '${name}'${instead(
        name,
        pools.map((one) => one.name),
      )}`,
    );
  const backend = backendOf(pool, id);
  if (backend === undefined)
    throw new AdminProblem(
      `pool ${name} has no backend '${id}'${instead(
        id,
        pool.backends.map((one) => one.id),
      )}`,
    );
  return backend;
}

function instead(name: string, names: readonly string[]): string {
  const meant = closest(name, names);
  if (meant !== undefined) return `; did you mean '${meant}'?`;
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length === 0 ? '' : `; there is ${shown}${names.length > MOST_NAMES ? ', …' : ''}`;
}

/** By its id, or by its address when no id is that. */
function backendOf({ backends }: PoolStatus, id: string): BackendStatus | undefined {
  return backends.find((one) => one.id === id) ?? backends.find((one) => one.address === id);
}

/**
 * Changes a backend as `--if-match` among the values says, and gives it as it is then. Throws AdminProblem when there is
 * none, or the change is refused.
 */
export async function changeBackend(
  { client, values }: Pick<Live, 'client' | 'values'>,
  name: BackendName,
  change: BackendChange,
): Promise<BackendStatus> {
  const version = values['if-match'] as string | undefined;
  if (version !== undefined && !/^[\w.-]+$/.test(version))
    throw new UsageProblem(`--if-match '${version}' is no version, such as fairlead status --json shows`);
  const { id } = await findBackend(client, name);
  const { backend } = await client.change({ ...name, backend: id }, change, version);
  return backend;
}

/** A command that puts a backend into a state and says so. */
export function setState(
  name: string,
  state: BackendStatus['state'],
  { args, io }: { readonly args: readonly string[]; readonly io: Io },
): Promise<number> {
  const positionals = ['POOL/BACKEND'];
  return runLive(
    {
      name,
      args,
      positionals,
      options: changeOptions,
      async run({ positionals: [written], ...live }) {
        const named = readBackendName(written);
        const { id } = await changeBackend(live, named, { state });
        io.stdout.write(`${named.pool}/${id} is ${state}\n`);
        return EXIT_OK;
      },
    },
    io,
  );
}

import { defaultConfigPath, loadAdmin } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { defaultAdminBind } from '../config/schema.ts';
import { type Address, formatAddress, isLoopback, parseAddress } from '../support/address.ts';
import type { OptionValues } from './args.ts';
import type { Io } from './io.ts';

/** The options of every command that talks to a running instance. */
export const adminOptions = {
  admin: { type: 'string' },
  token: { type: 'string' },
  config: { type: 'string' },
} as const;

/** What the help of these commands says of them. */
export const adminHelp = `  --admin ADDRESS    the admin server: http://HOST:PORT, https://…, HOST:PORT or unix:/PATH; default: that of the
                     config file, or else ${defaultAdminBind}
  --token TOKEN      its token; default: FAIRLEAD_TOKEN of the environment, or else that of the config file
  --config FILE      the config file; default: fairlead.yaml, or else config/fairlead.yaml, where there is one`;

/** How a running instance is reached. */
export interface AdminAddress {
  readonly secure: boolean;
  readonly to: Address;
  /** '' for none. */
  readonly token: string;
  /** Where it comes from, in words. */
  readonly from: string;
}

/** Why it is not known how to reach an instance, in one sentence. */
export class AddressProblem extends Error {}

/**
 * How the instance is reached that the options mean: by --admin, else as its config file says, else where the admin
 * server listens when nothing is said. Throws AddressProblem.
 */
export async function findAdmin(values: OptionValues, io: Io): Promise<AdminAddress> {
  const { admin: written, token: given, config } = values as Record<string, string | undefined>;
  const token = given ?? io.env['FAIRLEAD_TOKEN'];
  if (written !== undefined) return { ...readAddress(written), token: token ?? '', from: '--admin' };
  const path = config ?? defaultConfigPath(io.cwd);
  if (path === undefined)
    return {
      ...readAddress(defaultAdminBind),
      token: token ?? '',
      from: 'the default, for there is no config file here',
    };
  const loaded = await loadAdmin(path, { env: io.env });
  if (!loaded.ok)
    throw new AddressProblem(`${formatProblem(loaded.problems[0]!)}; --admin ADDRESS does without the file`);
  if (loaded.admin === false) throw new AddressProblem(`${path} says admin: false, so there is no admin server to ask`);
  const { bind, token: configured } = loaded.admin;
  const usable = bind.filter((address) => address.kind === 'unix' || address.port !== 0);
  const to = usable.find(isLoopback) ?? usable[0];
  if (to === undefined)
    throw new AddressProblem(
      `the admin server of ${path} listens on a port that the system chooses: name it by --admin`,
    );
  return { secure: false, to: reachable(to), token: token ?? configured, from: path };
}

/** Reads what --admin takes. */
function readAddress(written: string): Pick<AdminAddress, 'secure' | 'to'> {
  const [, scheme, rest = ''] = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(written)!;
  const secure = scheme?.toLowerCase() === 'https';
  const withPort = scheme === undefined || /:\d+$/.test(rest) ? rest : `${rest}:${secure ? 443 : 80}`;
  const to = parseAddress(rest.startsWith('unix:') ? written : withPort);
  if (typeof to === 'string') throw new AddressProblem(`--admin '${written}' is no address: ${to}`);
  return { secure, to: reachable(to) };
}

/** What listens everywhere is reached over loopback. */
function reachable(address: Address): Address {
  const everywhere = address.kind === 'tcp' && (address.host === '::' || address.host === '0.0.0.0');
  return everywhere ? { ...address, host: '127.0.0.1' } : address;
}

/** The address as people write it. */
export function writeAddress({ secure, to }: Pick<AdminAddress, 'secure' | 'to'>): string {
  return to.kind === 'unix' ? formatAddress(to) : `${secure ? 'https' : 'http'}://${formatAddress(to)}`;
}

import { resolve } from 'node:path';
import { defaultConfigPath, loadAdmin } from '../config/load.ts';
import { readCertificates, readPair } from '../config/pem-files.ts';
import { formatProblem } from '../config/problem.ts';
import { defaultAdminBind } from '../config/schema.ts';
import { type Address, formatAddress, isLoopback, isWildcard, parseAddress } from '../support/address.ts';
import { type OptionValues, UsageProblem } from './args.ts';
import { CommandProblem } from './command.ts';
import type { Io } from './io.ts';

/** The options of every command that talks to a running instance. */
export const adminOptions = {
  admin: { type: 'string' },
  token: { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  config: { type: 'string' },
} as const;

/** What the help of these commands says of them. */
export const adminHelp = `  --admin ADDRESS    the admin server: http://HOST:PORT, https://…, HOST:PORT or unix:/PATH; default: that of the
                     config file, or else ${defaultAdminBind}
  --token TOKEN      its token; default: FAIRLEAD_TOKEN of the environment, or else that of the config file
  --ca FILE          the authorities that its certificate may be from, with https; default: those that Node knows
  --cert FILE        the certificate that it is shown, with https; --key names its key
  --key FILE         the key of that certificate
  --config FILE      the config file; default: fairlead.yaml, or else config/fairlead.yaml, where there is one`;

/** What goes for a connection over TLS, in PEM. */
export interface AdminTls {
  /** Who may have issued the server's certificate; undefined for those that Node knows. */
  readonly ca?: string;
  /** What the server is shown, where it asks for a certificate. */
  readonly cert?: string;
  readonly key?: string;
}

/** How a running instance is reached. */
export interface AdminAddress {
  readonly secure: boolean;
  readonly to: Address;
  readonly tls: AdminTls;
  /** '' for none. */
  readonly token: string;
  /** Where it comes from, in words. */
  readonly from: string;
}

/** Why it is not known how to reach an instance, in one sentence. */
export class AddressProblem extends CommandProblem {}

/**
 * How the instance is reached that the options mean: by --admin, else as its config file says, else where the admin
 * server listens when nothing is said. Throws AddressProblem, and UsageProblem for options that do not go together.
 */
export async function findAdmin(values: OptionValues, io: Io): Promise<AdminAddress> {
  const found = await findPlace(values, io);
  return { ...found, tls: await readTls(values, found.secure, io.cwd) };
}

async function findPlace(values: OptionValues, io: Io): Promise<Omit<AdminAddress, 'tls'>> {
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

/** Reads the files that --ca, --cert and --key name. */
async function readTls(values: OptionValues, secure: boolean, cwd: string): Promise<AdminTls> {
  const { ca, cert, key } = values as Record<string, string | undefined>;
  if (!secure && (ca ?? cert ?? key) !== undefined)
    throw new UsageProblem('--ca, --cert and --key are for an --admin address of https://');
  if ((cert === undefined) !== (key === undefined)) throw new UsageProblem('--cert and --key go together');
  const authorities = ca === undefined ? undefined : await readCertificates(resolve(cwd, ca));
  if (authorities?.ok === false) throw new AddressProblem(authorities.message);
  const pair = cert === undefined ? undefined : await readPair(resolve(cwd, cert), resolve(cwd, key!));
  if (pair?.ok === false) throw new AddressProblem(pair.message);
  return {
    ...(authorities && { ca: authorities.value.text }),
    ...(pair && { cert: pair.value.cert, key: pair.value.key }),
  };
}

/** Reads what --admin takes. Throws UsageProblem. */
function readAddress(written: string): Pick<AdminAddress, 'secure' | 'to'> {
  const [, scheme, rest = ''] = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(written)!;
  const secure = scheme?.toLowerCase() === 'https';
  const withPort = scheme === undefined || /:\d+$/.test(rest) ? rest : `${rest}:${secure ? 443 : 80}`;
  const to = parseAddress(rest.startsWith('unix:') ? written : withPort);
  if (typeof to !== 'string' && (to.kind === 'unix' || to.port !== 0)) return { secure, to: reachable(to) };
  const why = typeof to === 'string' && !/^[a-z][a-z0-9+.-]*:\/\//i.test(rest) ? `${to}, ` : '';
  const forms = 'HOST:PORT, http://HOST:PORT, https://HOST:PORT or unix:/PATH';
  throw new UsageProblem(`--admin '${written}' is no address of an admin server: ${why}expected ${forms}`);
}

/** What listens everywhere is reached over loopback. */
function reachable(address: Address): Address {
  return address.kind === 'tcp' && isWildcard(address.host) ? { ...address, host: '127.0.0.1' } : address;
}

/** The address as people write it. */
export function writeAddress({ secure, to }: Pick<AdminAddress, 'secure' | 'to'>): string {
  return to.kind === 'unix' ? formatAddress(to) : `${secure ? 'https' : 'http'}://${formatAddress(to)}`;
}

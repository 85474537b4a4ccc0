import { Resolver as SystemResolver, lookup as systemLookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Where a resolver looks. Each rejects, or gives an empty list, when it has no answer. */
export interface NameSources {
  /** The text of the hosts file. */
  hosts(): Promise<string>;
  /** A records, from the name servers. */
  resolve4(name: string): Promise<string[]>;
  /** AAAA records, likewise. */
  resolve6(name: string): Promise<string[]>;
  /** The operating system's own look-up: it knows search domains and mDNS too, but holds a thread while it waits. */
  lookup(name: string): Promise<string[]>;
}

const QUERY_TIMEOUT_MS = 1_000;
const QUERY_TRIES = 2;

/** The machine's hosts file, name servers (or those given, as `dns.setServers` takes them) and look-up. */
export function systemSources(nameServers?: readonly string[]): NameSources {
  const servers = new SystemResolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (nameServers !== undefined) servers.setServers(nameServers);
  const hostsFile =
    process.platform === 'win32' ? `${process.env['SystemRoot']}\\System32\\drivers\\etc\\hosts` : '/etc/hosts';
  return {
    hosts: () => readFile(hostsFile, 'utf8'),
    resolve4: (name) => servers.resolve4(name),
    resolve6: (name) => servers.resolve6(name),
    lookup: async (name) => (await systemLookup(name, { all: true })).map(({ address }) => address),
  };
}

/** The addresses that a hosts file gives a name (hosts(5)), IPv4 first. */
export function inHostsFile(text: string, name: string): string[] {
  const found = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/))
    .filter(([address, ...names]) => isIP(address ?? '') !== 0 && names.includes(name))
    .map(([address]) => address!);
  return [...new Set(found)].sort((a, b) => isIP(a) - isIP(b));
}

/**
 * Asks the hosts file, then the name servers without a thread (`dns.lookup` shares four with the whole process,
 * nodejs/node#8436), and the operating system's look-up only when those know nothing, one name at a time.
 */
export class NameFinder {
  readonly #sources: NameSources;
  #lastLookup: Promise<unknown> = Promise.resolve();

  constructor(sources: NameSources) {
    this.#sources = sources;
  }

  /** At least one address for a name in lower case, IPv4 first; rejects with the reason in words. */
  async find(name: string): Promise<string[]> {
    const listed = inHostsFile(await this.#sources.hosts().catch(() => ''), name.replace(/\.$/, ''));
    if (listed.length > 0) return listed;
    const nothing = (): string[] => [];
    const served = await Promise.all([
      this.#sources.resolve4(name).catch(nothing),
      this.#sources.resolve6(name).catch(nothing),
    ]);
    return served.flat().length > 0 ? served.flat() : this.#lookupInTurn(name);
  }

  async #lookupInTurn(name: string): Promise<string[]> {
    const turn = this.#lastLookup.then(() => this.#sources.lookup(name));
    this.#lastLookup = turn.catch(() => undefined);
    const found = await turn.catch((error: NodeJS.ErrnoException) => {
      throw new Error(`name ${name} does not resolve: ${inWords(error)}`, { cause: error });
    });
    if (found.length === 0) throw new Error(`name ${name} does not resolve: no address`);
    return found.sort((a, b) => isIP(a) - isIP(b));
  }
}

function inWords({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOTFOUND') return 'no such name';
  return code === 'EAI_AGAIN' ? 'the name servers do not answer' : message;
}

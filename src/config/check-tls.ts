import { resolve } from 'node:path';
import { readCertificates, readPair } from './pem-files.ts';
import type { Finding, Path } from './problem.ts';
import { entriesOf, get, itemsOf } from './raw.ts';
import type { Config } from './schema.ts';
import { wholeListenerKeys } from './schema-tls.ts';

/** What the files that a config names hold against it. */
export interface TlsChecked {
  readonly findings: readonly Finding[];
  /** What works and will not please anybody, like a certificate that has expired. */
  readonly warnings: readonly Finding[];
}

/** Where the files of a config are looked for when their paths are relative: beside the config file. */
export function pathFrom(folder: string, path: string): string {
  return resolve(folder, path);
}

/**
 * Reads every certificate, key and authority that a config names. `written` is the config as it stands in the file, for
 * where things stand; `now` is in ms since 1970.
 */
export async function checkTls(
  config: Config,
  written: unknown,
  at: { folder: string; now: number },
): Promise<TlsChecked> {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const pair = async (path: Path, cert: string, key: string) => {
    const read = await readPair(pathFrom(at.folder, cert), pathFrom(at.folder, key));
    if (!read.ok) findings.push({ path: [...path, read.part], part: 'value', message: read.message });
    else warnings.push(...outdated([...path, 'cert'], read.value, at.now));
  };
  const authorities = async (path: Path, file: string) => {
    const read = await readCertificates(pathFrom(at.folder, file));
    if (!read.ok) findings.push({ path, part: 'value', message: read.message });
  };
  for (const [name, { tls }] of Object.entries(config.listeners)) {
    if (tls === undefined) continue;
    const path = ['listeners', name, 'tls'];
    const isList = Array.isArray(get(get(get(written, 'listeners'), name), 'tls'));
    const at = (index: number): Path => (isList ? [...path, index] : path);
    for (const [index, { cert, key }] of tls.certificates.entries()) await pair(at(index), cert, key);
    if (tls.clientCa !== '') await authorities([...at(0), 'clientCa'], tls.clientCa);
  }
  for (const [name, { connect }] of Object.entries(config.pools)) {
    const path = ['pools', name, 'connect', 'tls'];
    if (connect.tls === undefined) continue;
    const { ca, cert, key } = connect.tls;
    if (ca !== '') await authorities([...path, 'ca'], ca);
    if (cert !== '') await pair(path, cert, key);
  }
  return { findings, warnings };
}

function outdated(path: Path, pair: { validFrom: number; validTo: number }, now: number): Finding[] {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (pair.validTo < now)
    return [{ path, part: 'value', message: `this certificate has expired on ${day(pair.validTo)}` }];
  if (pair.validFrom > now) {
    return [{ path, part: 'value', message: `this certificate is not valid before ${day(pair.validFrom)}` }];
  }
  return [];
}

/** Finds settings of a whole listener that stand at another certificate than the first, and halves of a pair. */
export function tlsFindings(root: unknown): Finding[] {
  return [...misplaced(root), ...halves(root)];
}

function halves(root: unknown): Finding[] {
  return entriesOf(get(root, 'pools')).flatMap(([name, pool]) => {
    const tls = get(get(pool, 'connect'), 'tls');
    const path: Path = ['pools', name, 'connect', 'tls'];
    const written = (key: string) => (get(tls, key) ?? '') !== '';
    if (written('cert') && !written('key'))
      return [{ path: [...path, 'cert'], message: 'there is no key, expected both' }];
    if (written('key') && !written('cert'))
      return [{ path: [...path, 'key'], message: 'there is no cert, expected both' }];
    return [];
  });
}

function misplaced(root: unknown): Finding[] {
  return entriesOf(get(root, 'listeners')).flatMap(([name, listener]) =>
    itemsOf(get(listener, 'tls'))
      .slice(1)
      .flatMap(([index, certificate]) =>
        wholeListenerKeys
          .filter((key) => get(certificate, key) !== undefined)
          .map((key) => ({
            path: ['listeners', name, 'tls', index, key],
            message: 'holds for the whole listener, expected it at the first certificate',
          })),
      ),
  );
}

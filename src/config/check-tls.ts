import { resolve } from 'node:path';
import { readCertificates, readPair } from './pem-files.ts';
import type { Finding, Path } from './problem.ts';
import { entriesOf, get, itemsOf, oneOrMany } from './raw.ts';
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
 * Reads every certificate, key and authority that a config names, as it is written, and passes over what has the wrong shape,
 * so that the files are complained of beside everything else. `now` is in ms since 1970.
 */
export async function checkTls(root: unknown, at: { folder: string; now: number }): Promise<TlsChecked> {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const pair = async (path: Path, tls: unknown) => {
    const [cert, key] = [fileIn(tls, 'cert', at.folder), fileIn(tls, 'key', at.folder)];
    if (cert === undefined || key === undefined) return;
    const read = await readPair(cert, key);
    if (!read.ok) findings.push({ path: [...path, read.part], part: 'value', message: read.message });
    else warnings.push(...outdated([...path, 'cert'], read.value, at.now));
  };
  const authorities = async (path: Path, tls: unknown, name: string) => {
    const file = fileIn(tls, name, at.folder);
    const read = file === undefined ? undefined : await readCertificates(file);
    if (read?.ok === false) findings.push({ path: [...path, name], part: 'value', message: read.message });
  };
  for (const [name, listener] of entriesOf(get(root, 'listeners'))) {
    const certificates = oneOrMany(get(listener, 'tls'), ['listeners', name, 'tls']);
    for (const { path, value } of certificates) await pair(path, value);
    for (const { path, value } of certificates.slice(0, 1)) await authorities(path, value, 'clientCa');
  }
  for (const [name, pool] of entriesOf(get(root, 'pools'))) {
    const path: Path = ['pools', name, 'connect', 'tls'];
    const tls = get(get(pool, 'connect'), 'tls');
    await authorities(path, tls, 'ca');
    await pair(path, tls);
  }
  return { findings, warnings };
}

/** The file that stands under a key; undefined for none. */
function fileIn(tls: unknown, key: string, folder: string): string | undefined {
  const written = get(tls, key);
  return typeof written === 'string' && written !== '' && !written.includes('\0')
    ? pathFrom(folder, written)
    : undefined;
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

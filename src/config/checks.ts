import { isLoopback, parseAddress } from '../support/address.ts';
import { bindFindings } from './check-binds.ts';
import { capacityFindings } from './check-capacity.ts';
import { http2Findings } from './check-http2.ts';
import { listenerFindings, type PoolReference, poolReferences } from './check-listeners.ts';
import { poolFindings, poolWarnings } from './check-pools.ts';
import { tlsFindings } from './check-tls.ts';
import type { Finding, Path } from './problem.ts';
import { entriesOf, get, isObject, oneOrMany } from './raw.ts';
import { namePattern, nameRule } from './scalars.ts';

/** What the checks across values found. */
export interface Checked {
  readonly findings: readonly Finding[];
  /** What is allowed and yet hardly meant. */
  readonly warnings: readonly Finding[];
}

/**
 * Checks what no single value shows: names that must exist, things there may be only one of. It reads the config as it
 * was written and passes over what has the wrong shape, so that all of this is reported beside the schema's findings.
 */
export function crossCheck(root: unknown): Checked {
  const references: PoolReference[] = poolReferences(root);
  return {
    findings: [
      ...nameFindings(root, 'listeners'),
      ...nameFindings(root, 'pools'),
      ...listenerFindings(root, references),
      ...poolFindings(root),
      ...http2Findings(root, references),
      ...bindFindings(root),
      ...tlsFindings(root),
      ...tokenFindings(root),
      ...capacityFindings(root),
    ],
    warnings: poolWarnings(root, references),
  };
}

function nameFindings(root: unknown, section: 'listeners' | 'pools'): Finding[] {
  return entriesOf(get(root, section))
    .filter(([name]) => !namePattern.test(name))
    .map(([name]) => ({ path: [section, name], message: `not a name; expected ${nameRule}` }));
}

/** Whoever reaches the admin server can drain every backend, so a token may be missing on loopback only. */
function tokenFindings(root: unknown): Finding[] {
  const admin = get(root, 'admin');
  if (!isObject(admin) || (admin['token'] !== undefined && admin['token'] !== '')) return [];
  const open = oneOrMany(admin['bind'], []).find(({ value }) => {
    const address = typeof value === 'string' ? parseAddress(value) : '';
    return typeof address === 'object' && !isLoopback(address);
  });
  if (!open) return [];
  const path: Path = ['admin', 'token'];
  return [{ path, message: `missing, expected a token because ${open.value} is not a loopback address` }];
}

import { parseDuration } from './duration.ts';

/** So many in a time: `count` at once at most, and after that one every `intervalMs`. */
export interface Rate {
  readonly count: number;
  /** In ms, with fractions. */
  readonly intervalMs: number;
}

/** Reads `100/s`, `600/m` or `20/10s`; undefined for what is no rate. */
export function parseRate(text: string): Rate | undefined {
  const parts = /^(\d{1,9})\/(\d*(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (parts === null) return undefined;
  const count = Number(parts[1]);
  const periodMs = parseDuration(`${parts[2] || '1'}${parts[3]}`);
  if (count === 0 || periodMs === undefined || periodMs === 0) return undefined;
  return { count, intervalMs: periodMs / count };
}

import { readFileSync } from 'node:fs';

/** How many files a process may open. */
export interface FileLimit {
  readonly soft: number;
  readonly hard: number;
}

// More than this changes what a proxy sets aside at its start (nginx allocates for every connection it may have).
const MOST_FILES = 20_000;

/** Parses the line about open files in /proc/PID/limits; `unlimited` is Infinity. Throws when there is none. */
export function parseFileLimit(text: string): FileLimit {
  const match = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text);
  if (match === null) throw new Error('no limit of open files in /proc/self/limits');
  const [soft, hard] = [match[1]!, match[2]!].map((each) => (each === 'unlimited' ? Infinity : Number(each)));
  return { soft: soft!, hard: hard! };
}

/** The limit of this process, which its children inherit. Node raises its own soft limit to the hard one. */
export function readFileLimit(): FileLimit {
  return parseFileLimit(readFileSync('/proc/self/limits', 'utf8'));
}

/** How many open files the proxies are configured for: the hard limit, at most 20,000, the same for all of them. */
export function configuredFiles(limit: FileLimit = readFileLimit()): number {
  return Math.min(limit.hard, MOST_FILES);
}

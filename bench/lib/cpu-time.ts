import { readdirSync, readFileSync } from 'node:fs';

/** CPU time a process tree has used so far, in milliseconds. */
export interface CpuTime {
  readonly userMs: number;
  readonly systemMs: number;
}

/** The numbers of one process that /proc gives in clock ticks of 10 ms. */
export interface StatLine {
  readonly parentPid: number;
  readonly userTicks: number;
  readonly systemTicks: number;
}

// USER_HZ is 100 on every Linux platform Node supports; getconf CLK_TCK says the same.
const MS_PER_TICK = 10;

/** Parses /proc/PID/stat (proc(5)), counting from the last ')': the command's name may hold spaces and parentheses. */
export function parseStat(text: string): StatLine {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parentPid: Number(fields[1]), userTicks: Number(fields[11]), systemTicks: Number(fields[12]) };
}

/** The first number of /proc/PID/task/TID/schedstat: nanoseconds on a core; undefined where the kernel keeps none. */
export function parseSchedstat(text: string): number | undefined {
  const onCoreNs = Number(text.split(' ')[0]);
  return Number.isFinite(onCoreNs) && onCoreNs > 0 ? onCoreNs : undefined;
}

/** The process and all its descendants, the process first, out of a list of every process with its parent. */
export function descendants(root: number, parents: ReadonlyMap<number, number>): number[] {
  const tree = [root];
  for (let i = 0; i < tree.length; i++) {
    for (const [pid, parent] of parents) if (parent === tree[i]) tree.push(pid);
  }
  return tree;
}

/**
 * Joins the two sources the kernel has: schedstat is exact to the nanosecond but does not know user from system, and
 * forgets threads that have ended; stat splits, in ticks. The total is schedstat's unless it is more than two ticks
 * and 2 % short of stat's (a thread ended), and is split as stat splits it.
 */
export function joinCpuTime(stat: CpuTime, onCoreMs: number | undefined): CpuTime {
  const ticked = stat.userMs + stat.systemMs;
  if (onCoreMs === undefined || ticked === 0) return stat;
  if (onCoreMs < ticked * 0.98 - 2 * MS_PER_TICK) return stat;
  return { userMs: (onCoreMs * stat.userMs) / ticked, systemMs: (onCoreMs * stat.systemMs) / ticked };
}

/** What was used between two readings; never negative. */
export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime {
  return {
    userMs: Math.max(0, after.userMs - before.userMs),
    systemMs: Math.max(0, after.systemMs - before.systemMs),
  };
}

/** Two readings of a tree, subtracted before they are joined: a split of the window, not of the whole life. */
export interface RawCpuReading {
  readonly stat: CpuTime;
  readonly onCoreMs: number | undefined;
}

/** Reads the CPU time of a process, its threads and all its descendants. Linux only. */
export function readCpu(pid: number): RawCpuReading {
  let userTicks = 0;
  let systemTicks = 0;
  let onCoreNs: number | undefined = 0;
  for (const member of processTree(pid)) {
    const stat = readOr(`/proc/${member}/stat`, '');
    if (stat === '') continue;
    const line = parseStat(stat);
    userTicks += line.userTicks;
    systemTicks += line.systemTicks;
    for (const thread of listOr(`/proc/${member}/task`)) {
      const ns = parseSchedstat(readOr(`/proc/${member}/task/${thread}/schedstat`, ''));
      if (ns !== undefined && onCoreNs !== undefined) onCoreNs += ns;
    }
  }
  if (onCoreNs === 0) onCoreNs = undefined;
  return {
    stat: { userMs: userTicks * MS_PER_TICK, systemMs: systemTicks * MS_PER_TICK },
    onCoreMs: onCoreNs === undefined ? undefined : onCoreNs / 1e6,
  };
}

/** CPU time used between two readings of the same tree. */
export function cpuUsed(before: RawCpuReading, after: RawCpuReading): CpuTime {
  const onCoreMs =
    before.onCoreMs === undefined || after.onCoreMs === undefined ? undefined : after.onCoreMs - before.onCoreMs;
  return joinCpuTime(cpuBetween(before.stat, after.stat), onCoreMs);
}

/** The kilobytes (1,024 bytes) of a `Name:  123 kB` line of /proc/PID/status; 0 when the line is absent. */
export function parseStatusKb(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  return line === undefined
    ? 0
    : Number(
        line
          .slice(name.length + 1)
          .trim()
          .split(' ')[0],
      );
}

/** Resident memory of a process and all its descendants, in bytes. Pages they share are counted once for each. */
export function readResidentBytes(pid: number): number {
  let kb = 0;
  for (const member of processTree(pid)) kb += parseStatusKb(readOr(`/proc/${member}/status`, ''), 'VmRSS');
  return kb * 1024;
}

/** The process and its living descendants. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of listOr('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readOr(`/proc/${entry}/stat`, '');
    if (stat !== '') parents.set(Number(entry), parseStat(stat).parentPid);
  }
  return descendants(pid, parents);
}

// A process or thread may end between the listing and the reading.
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

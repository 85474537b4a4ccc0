/** What a `traceparent` says (W3C Trace Context), in lower-case hexadecimal digits. */
export interface TraceParent {
  readonly traceId: string;
  /** The span that sent the request. */
  readonly parentId: string;
  /** Whoever sent it records its span. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/**
 * Reads a `traceparent`: `undefined` for one that is missing or invalid, and then its trace has to be begun anew. A version
 * of the future may say more behind what is known today; version 00 may not.
 */
export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  if (text === undefined || text.length < 55) return undefined;
  const match = TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, version, traceId, parentId, flags, more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || parentId === NO_SPAN) return undefined;
  return { traceId: traceId!, parentId: parentId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

function word(random: () => number): string {
  return Math.floor(random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0');
}

/** A new span id; `random` is uniform in [0, 1). */
export function makeSpanId(random: () => number): string {
  const id = word(random) + word(random);
  return id === NO_SPAN ? '0000000000000001' : id;
}

/** A new trace id; all of it is random. */
export function makeTraceId(random: () => number): string {
  return makeSpanId(random) + makeSpanId(random);
}

/** Whether a trace is among the share `ratio` of all traces: the same answer wherever the same trace is asked about. */
export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) >= (1 - ratio) * 0x1_0000_0000;
}

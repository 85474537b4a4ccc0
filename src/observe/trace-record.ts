/** One attempt of a traced request on a backend. */
export interface AttemptRecord {
  /** The span's id, which the backend was told. */
  readonly spanId: string;
  /** Id of the backend, and its address. */
  readonly backend: string;
  readonly address: string;
  /** From the start of the request. */
  readonly startMs: number;
  readonly endMs: number;
  /** How it failed; '' for one that brought the answer. */
  readonly failed: string;
}

/** A traced request: what its spans say beyond the record of the request. Only plain values. */
export interface TraceRecord {
  /** The id of Fairlead's own span. */
  readonly spanId: string;
  /** The span that sent the request; '' when the trace begins here. */
  readonly parentId: string;
  /** The `tracestate` that came with it, '' for none. */
  readonly state: string;
  readonly scheme: 'http' | 'https';
  readonly attempts: readonly AttemptRecord[];
}

/** How workers trace: plain data, sent from the control plane. */
export interface TracingPlan {
  /** The share of traces to record, among those for which Fairlead decides. */
  readonly ratio: number;
  /** A request that comes with a trace is recorded if, and only if, its sender records it. */
  readonly parentBased: boolean;
  /** Spans get the ids that workers choose, so that backends can be told them. */
  readonly ownIds: boolean;
}

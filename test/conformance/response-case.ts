/** What the client of a response sees: the very bytes that the backend sent, other bytes, or our error 502 with such words. */
export type Sees = 'the same' | { readonly bytes: string } | { readonly error: string };

/** One response of a backend that is right, odd, broken or hostile, and what must become of it. */
export interface ResponseCase {
  /** Where it is settled: RFC 9112 unless it says otherwise. */
  readonly section: string;
  readonly name: string;
  /** The request it answers; a GET unless said otherwise. */
  readonly request?: string;
  /** The bytes of the backend. */
  readonly bytes: string;
  /** What the backend does behind them; otherwise it waits. */
  readonly end?: 'fin' | 'reset';
  readonly sees: Sees;
  /** The connection of the client afterwards: it goes on, is closed in order, or is reset, so that nothing looks whole. */
  readonly client: 'goes on' | 'closes' | 'is reset';
  /** The connection to the backend afterwards: it waits for the next request, or is never used again. */
  readonly backend: 'is kept' | 'is dropped';
  /** Under which reason it counts as a failure of the backend; '' when it is none. */
  readonly failure: '' | 'bad-response' | 'backend-reset';
}

type Case = Omit<ResponseCase, 'section'>;
type Part<Keys extends keyof Case> = Pick<Case, 'name' | 'bytes'> & Partial<Omit<Case, Keys>>;

/** All cases of a section. */
export function section(title: string, cases: readonly Case[]): ResponseCase[] {
  return cases.map((each) => ({ section: title, ...each }));
}

/** A response that passes, after which both connections live on. */
export function passes(name: string, bytes: string, more: Partial<Case> = {}): Case {
  return { name, bytes, sees: 'the same', client: 'goes on', backend: 'is kept', failure: '', ...more };
}

/** A response that passes, after which the connection to the backend is not used again. */
export function lastOne(name: string, bytes: string, more: Partial<Case> = {}): Case {
  return passes(name, bytes, { backend: 'is dropped', ...more });
}

/** A head that cannot be trusted: the client is told so, and lives on. */
export function untrusted(name: string, bytes: string, error: string, more: Partial<Case> = {}): Case {
  const failed = { sees: { error }, client: 'goes on', backend: 'is dropped', failure: 'bad-response' } as const;
  return { name, bytes, ...failed, ...more };
}

/** A body that breaks off or cannot be trusted, once its head is gone: nobody may take it for whole. */
export function broken(name: string, bytes: string, more: Part<'sees'> | Partial<Case> = {}): Case {
  const failed = { client: 'is reset', backend: 'is dropped', failure: 'bad-response' } as const;
  return { name, bytes, sees: 'the same', ...failed, ...more };
}

import type { Head } from './head.ts';

/** An edit as plain data, as the control plane sends it. */
export interface HeadEditPlan {
  /** Names of fields that go no further, in any case; a `*` at the end stands for any rest: `x-client-cert-*`. */
  readonly drop: readonly string[];
  /** Field lines to put behind the others: latin1 text, each with its CRLF. */
  readonly lines: string;
}

/** Fields that Fairlead puts into every request. */
const forwardedNames = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'];

/**
 * What becomes of the fields of a head beyond what this hop demands: prepared once, for a route or a listener, and then
 * applied to every head that passes. Names are compared without case, and `_` counts as `-`: backends that hand fields
 * on as environment variables (CGI, WSGI, PHP) cannot tell the two apart, so a client could send `X_User` for the
 * `X-User` that it may not set. Fields that frame a message or say where it goes are never dropped.
 */
export class HeadEdit implements HeadEditPlan {
  readonly drop: readonly string[];
  readonly lines: string;
  /** True when it drops a field that Fairlead itself puts into every request. */
  readonly dropsForwarded: boolean;
  readonly #names: ReadonlySet<string>;
  /** Each without its star. */
  readonly #families: readonly string[];
  /** 1 for the lengths that names have, so that most fields are passed over unread. */
  readonly #lengths = new Uint8Array(256);
  /** 1 for the characters that names and families begin with. */
  readonly #initials = new Uint8Array(128);

  constructor({ drop, lines }: HeadEditPlan) {
    this.drop = drop;
    this.lines = lines;
    const folded = drop.map(folding);
    const names = folded.filter((name) => !name.endsWith('*'));
    this.#names = new Set(names);
    this.#families = folded.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
    for (const name of names) this.#lengths[Math.min(name.length, 255)] = 1;
    if (this.#families.length > 0) this.#lengths.fill(1, Math.min(...this.#families.map(({ length }) => length)));
    for (const [initial] of [...names, ...this.#families]) this.#allowInitial(initial);
    this.dropsForwarded = forwardedNames.some((name) => this.dropsName(name));
  }

  #allowInitial(initial: string | undefined): void {
    if (initial === undefined) this.#initials.fill(1);
    else
      for (const one of [initial, initial.toUpperCase(), ...(initial === '-' ? ['_'] : [])])
        this.#initials[one.charCodeAt(0)] = 1;
  }

  /** Whether field `index` of the head goes no further. */
  drops(head: Head, index: number): boolean {
    const start = head.lineStart(index);
    if (this.#initials[head.text.charCodeAt(start)] !== 1) return false;
    if (this.#lengths[Math.min(head.nameEnd(index) - start, 255)] !== 1) return false;
    return this.dropsName(head.name(index));
  }

  /** Whether fields of that name go no further. */
  dropsName(name: string): boolean {
    const folded = folding(name);
    if (this.#names.has(folded)) return true;
    for (const family of this.#families) if (folded.startsWith(family)) return true;
    return false;
  }
}

function folding(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** One edit for several; those that are missing or do nothing are passed over. `undefined` when there is nothing to do. */
export function joinedEdit(...edits: readonly (HeadEditPlan | undefined)[]): HeadEdit | undefined {
  const some = edits.filter((edit) => edit !== undefined);
  const drop = some.flatMap((edit) => edit.drop);
  const lines = some.map((edit) => edit.lines).join('');
  return drop.length === 0 && lines === '' ? undefined : new HeadEdit({ drop, lines });
}

const fieldLine = /^([^:]+):[^\r]*\r\n/gm;

/** The field lines of an answer of our own, edited: what the edit drops is gone, and its own lines are behind the rest. */
export function editedLines(lines: string, edit: HeadEdit): string {
  const kept = lines.replace(fieldLine, (line, name: string) => (edit.dropsName(name) ? '' : line));
  return kept + edit.lines;
}

/** Field lines with those of an edit behind them, except for names that are there already: for errors, which say what they are. */
export function completedLines(lines: string, edit: HeadEdit): string {
  const names = new Set(Array.from(lines.matchAll(fieldLine), ([, name]) => folding(name!)));
  return lines + edit.lines.replace(fieldLine, (line, name: string) => (names.has(folding(name)) ? '' : line));
}

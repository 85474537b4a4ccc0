import { alternatives, type Condition, flawOfEmpty } from '../condition.ts';
import { TextSet } from '../text-set.ts';
import type { RequestView } from '../view.ts';

const wildcard = '*.';

/**
 * Holds for the listed host names. `*.example.com` is every name with one label or more before `.example.com`, and
 * not `example.com` itself. Case does not matter, nor a trailing dot; an IPv6 address may have its brackets. A request
 * that names no host is matched by no name.
 */
export class HostCondition implements Condition {
  readonly subject = 'host';
  readonly expected: string;
  readonly flaw: string | undefined;
  readonly #names: TextSet;
  /** Each with its leading dot. */
  readonly #suffixes: readonly string[];

  constructor(hosts: readonly string[]) {
    this.expected = alternatives(hosts);
    this.flaw = flawOfEmpty(this.subject, hosts.length === 0);
    this.#names = new TextSet(hosts.filter((host) => !host.startsWith(wildcard)).map(canonical));
    this.#suffixes = hosts
      .filter((host) => host.startsWith(wildcard))
      .map((host) => `.${canonical(host.slice(wildcard.length))}`);
  }

  /** The host names it wants, and the suffixes, each with its leading dot. */
  get names(): readonly string[] {
    return this.#names.texts;
  }

  get suffixes(): readonly string[] {
    return this.#suffixes;
  }

  holds(view: RequestView): boolean {
    return view.host !== '' && this.#has(view.host);
  }

  #has(host: string): boolean {
    if (this.#names.has(host)) return true;
    for (const suffix of this.#suffixes) if (isBelow(host, suffix)) return true;
    return false;
  }

  got(view: RequestView): string {
    return view.host === '' ? 'no host' : view.host;
  }

  covers(other: Condition): boolean {
    if (!(other instanceof HostCondition)) return false;
    if (!other.#names.texts.every((name) => this.#has(name))) return false;
    return other.#suffixes.every((suffix) => this.#suffixes.some((wide) => suffix.endsWith(wide)));
  }
}

function isBelow(host: string, suffix: string): boolean {
  return host.endsWith(suffix) && !host.startsWith('.');
}

function canonical(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

import { type Cidr, type CidrSet, cidrSet, parseCidr } from '../../support/cidr.ts';
import { alternatives, type Condition, flawOfEmpty } from '../condition.ts';
import type { RequestView } from '../view.ts';

/** Holds for clients in the listed CIDR ranges. Throws TypeError on text that is no range. */
export class SourceCondition implements Condition {
  readonly subject = 'source';
  readonly expected: string;
  readonly flaw: string | undefined;
  readonly #set: CidrSet;
  readonly #ranges: readonly Cidr[];

  constructor(list: readonly string[]) {
    this.expected = alternatives(list);
    this.flaw = flawOfEmpty(this.subject, list.length === 0);
    this.#set = cidrSet(list);
    this.#ranges = list.map(parseCidr).filter((range) => typeof range !== 'string');
  }

  holds(view: RequestView): boolean {
    return this.#set.has(view.facts.source);
  }

  got(view: RequestView): string {
    return view.facts.source === '' ? 'no address' : view.facts.source;
  }

  covers(other: Condition): boolean {
    return (
      other instanceof SourceCondition &&
      other.#ranges.every((narrow) => this.#ranges.some((wide) => isWithin(narrow, wide)))
    );
  }
}

/** Whether every address of one range is in the other. */
export function isWithin(narrow: Cidr, wide: Cidr): boolean {
  return narrow.family === wide.family && narrow.first >= wide.first && narrow.last <= wide.last;
}

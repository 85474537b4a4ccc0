import type { ValueMatch } from '../rule.ts';
import type { Values } from '../value-set.ts';
import type { RequestView } from '../view.ts';
import { ValueCondition } from './value.ts';

/** Looks at a header by its name in any case; the value is that of the whole field, several joined by `, `. */
export class HeaderCondition extends ValueCondition {
  constructor(name: string, match: ValueMatch) {
    super('header', name.toLowerCase(), match);
  }

  protected override values(view: RequestView): Values {
    return view.facts.header(this.name);
  }
}

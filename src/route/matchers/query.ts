import type { ValueMatch } from '../rule.ts';
import type { Values } from '../value-set.ts';
import type { RequestView } from '../view.ts';
import { ValueCondition } from './value.ts';

/** Looks at a query parameter, decoded and case-sensitive; of several with its name any may hold. */
export class QueryCondition extends ValueCondition {
  constructor(name: string, match: ValueMatch) {
    super('query', name, match);
  }

  protected override values(view: RequestView): Values {
    return view.query(this.name);
  }
}

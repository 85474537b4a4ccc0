import type { ValueMatch } from '../rule.ts';
import type { Values } from '../value-set.ts';
import type { RequestView } from '../view.ts';
import { ValueCondition } from './value.ts';

/** Looks at a cookie, case-sensitive; of several with its name any may hold, for backends differ in which they take. */
export class CookieCondition extends ValueCondition {
  constructor(name: string, match: ValueMatch) {
    super('cookie', name, match);
  }

  protected override values(view: RequestView): Values {
    return view.cookie(this.name);
  }
}

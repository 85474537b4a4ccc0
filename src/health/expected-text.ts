import { BoundedRegex } from '../support/bounded-regex.ts';

/** A test for text that contains what is expected, or matches it where that is `~` and a regular expression. Throws a SyntaxError when that does not compile. */
export function textTest(expected: string): (text: string) => boolean {
  if (!expected.startsWith('~')) return (text) => text.includes(expected);
  const pattern = new BoundedRegex(expected.slice(1));
  return (text) => pattern.find(text) === true;
}

/** What `textTest` asks for, as the end of "does not …". */
export function describeExpected(expected: string): string {
  return expected.startsWith('~') ? `match ${expected}` : `contain ${JSON.stringify(expected)}`;
}

import { setFlagsFromString } from 'node:v8';
import { type AST, RegExpParser } from '@eslint-community/regexpp';

// With this V8 knows the flag `l`, which refuses an expression that its linear engine does not know.
setFlagsFromString('--enable-experimental-regexp-engine');

/** More repetitions than these are too many for the linear engine to copy. */
const MOST_COPIES = 16;
/** Of an expression that grows longer than this, in characters, no linear form is made. */
const LONGEST_FORM = 20_000;
/** Places at which a tame expression may choose: what it tries is multiplied by each. */
const MOST_CHOICES = 10;

/** Shapes that are remembered, for the next reload: each takes some 50 us to find, and a config may have thousands. */
const MOST_KNOWN = 20_000;

const parser = new RegExpParser({ ecmaVersion: 2025 });
const known = new Map<string, RegexShape>();

/** What is known of a regular expression before it is run. */
export interface RegexShape {
  /**
   * Finds the same, in all its groups, and has no `(?i:…)` if that can be said without: V8 overlooks matches of it, as of
   * `(?i:a(?:aa|[a-c].))` in `aAx`.
   */
  readonly folded: string;
  /** Finds in the same texts, and V8's linear engine takes it; undefined when that cannot be said in its words. */
  readonly linear: string | undefined;
  /** Also an engine that backtracks ends in time that is at most quadratic in the text: nothing repeats what can vary. */
  readonly isTame: boolean;
}

/** Looks at an expression of JavaScript without flags. Throws SyntaxError when it is none. */
export function shapeOf(source: string): RegexShape {
  let shape = known.get(source);
  if (shape === undefined) {
    shape = findShape(source);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(source, shape);
  }
  return shape;
}

function findShape(source: string): RegexShape {
  new RegExp(source);
  try {
    const pattern = parser.parsePattern(source, 0, source.length, { unicode: false });
    const linear = inWords(pattern, { fold: false, inSteps: true });
    return {
      folded: inWords(pattern, { fold: false, inSteps: false }) ?? source,
      linear: linear === undefined ? undefined : ifLinear(linear),
      isTame: isTame(pattern),
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // V8 knows more than the parser does.
    return { folded: source, linear: ifLinear(source), isTame: false };
  }
}

function ifLinear(source: string): string | undefined {
  try {
    return new RegExp(source, 'l') && source;
  } catch {
    return undefined;
  }
}

/** How a part of an expression is to be said. */
interface Words {
  /** Upper and lower case are the same there. */
  readonly fold: boolean;
  /** Long repetitions go in steps: `a{2,40}` as `a{2,2}a{0,16}a{0,16}a{0,6}`. */
  readonly inSteps: boolean;
}

/** There are no such words. */
class Inexpressible extends Error {}

/** The same with `(?:[aA][bB])` for `(?i:ab)`. Undefined when something cannot be said so, or not in `LONGEST_FORM`. */
function inWords(pattern: AST.Pattern, words: Words): string | undefined {
  try {
    const form = alternativesOf(pattern, words);
    return form.length <= LONGEST_FORM ? form : undefined;
  } catch (error) {
    if (error instanceof Inexpressible) return undefined;
    throw error;
  }
}

interface HasAlternatives {
  readonly alternatives: readonly AST.Alternative[];
}

function alternativesOf({ alternatives }: HasAlternatives, words: Words): string {
  return alternatives.map(({ elements }) => elements.map((element) => textOf(element, words)).join('')).join('|');
}

function textOf(node: AST.Element, words: Words): string {
  const { fold } = words;
  switch (node.type) {
    case 'Group':
      return `(?:${alternativesOf(node, { ...words, fold: foldsIn(node, fold) })})`;
    case 'CapturingGroup':
      return `(${node.name === null ? '' : `?<${node.name}>`}${alternativesOf(node, words)})`;
    case 'Quantifier':
      return repeated(textOf(node.element, words), node, words);
    case 'Assertion':
      if (node.kind !== 'lookahead' && node.kind !== 'lookbehind') return node.raw;
      return `(?${node.kind === 'lookahead' ? '' : '<'}${node.negate ? '!' : '='}${alternativesOf(node, words)})`;
    case 'Character':
      return fold ? foldedCharacter(node) : node.raw;
    case 'CharacterClass':
      return fold ? foldedClass(node) : node.raw;
    default:
      if (fold && node.type !== 'CharacterSet') throw new Inexpressible();
      return node.raw;
  }
}

function foldsIn({ modifiers }: AST.Group, fold: boolean): boolean {
  if (modifiers === null) return fold;
  const { add, remove } = modifiers;
  if (add.dotAll || add.multiline || remove?.dotAll || remove?.multiline) throw new Inexpressible();
  return add.ignoreCase || (fold && remove?.ignoreCase !== true);
}

function repeated(text: string, { min, max, element, raw }: AST.Quantifier, { inSteps }: Words): string {
  const isShort = min <= MOST_COPIES && (max <= MOST_COPIES || max === Number.POSITIVE_INFINITY);
  if (isShort || !inSteps) return text + raw.slice(element.raw.length);
  const steps = (count: number, least: (copies: number) => number): string => {
    if ((count / MOST_COPIES) * text.length > LONGEST_FORM) throw new Inexpressible();
    let all = '';
    for (let left = count; left > 0; left -= MOST_COPIES) {
      const copies = Math.min(left, MOST_COPIES);
      all += `${text}{${least(copies)},${copies}}`;
    }
    return all;
  };
  const rest = max === Number.POSITIVE_INFINITY ? `${text}*` : steps(max - min, () => 0);
  return steps(min, (copies) => copies) + rest;
}

/** The other case of an ASCII letter, and the code of anything else in ASCII. */
function otherCase(code: number): number {
  // Beyond ASCII the pairs are not so simple, and a pair may lie outside of what a request's text can have.
  if (code > 127) throw new Inexpressible();
  const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
  return isLetter ? code ^ 32 : code;
}

function foldedCharacter({ value, raw }: AST.Character): string {
  const other = otherCase(value);
  return other === value ? raw : `[${String.fromCharCode(value, other)}]`;
}

function foldedClass(node: AST.CharacterClass): string {
  if (node.unicodeSets) throw new Inexpressible();
  const elements = node.elements.map((element) => {
    if (element.type === 'Character') return element.raw + othersOf(element.value, element.value);
    if (element.type === 'CharacterClassRange') return element.raw + othersOf(element.min.value, element.max.value);
    return element.raw;
  });
  return `[${node.negate ? '^' : ''}${elements.join('')}]`;
}

/** The other case of all letters from one code to another, as a class has it. */
function othersOf(from: number, to: number): string {
  let others = '';
  otherCase(to);
  for (let code = from; code <= to; code++) {
    const other = otherCase(code);
    if (other !== code) others += String.fromCharCode(other);
  }
  return others;
}

/** What lies in an expression that can be gone through in more than one way. */
interface Ways {
  /** Repetitions that are long enough to count as without an end. */
  loops: number;
  /** Alternatives, and short repetitions. */
  choices: number;
}

function isTame(pattern: AST.Pattern): boolean {
  const ways: Ways = { loops: 0, choices: 0 };
  const isAnchored = pattern.alternatives.every(({ elements: [first] }) => first?.raw === '^');
  // Where it may begin anywhere, that is a loop as well.
  return countWays(pattern, ways) && ways.loops + (isAnchored ? 0 : 1) <= 2 && ways.choices <= MOST_CHOICES;
}

/** Adds to `ways`; false when something that varies is repeated, which multiplies its ways with each time. */
function countWays({ alternatives }: HasAlternatives, ways: Ways): boolean {
  ways.choices += alternatives.length - 1;
  return alternatives.every(({ elements }) => elements.every((element) => countElement(element, ways)));
}

function countElement(node: AST.Element, ways: Ways): boolean {
  if (node.type === 'Quantifier') return countQuantifier(node, ways);
  return 'alternatives' in node ? countWays(node, ways) : true;
}

function countQuantifier({ element, min, max }: AST.Quantifier, ways: Ways): boolean {
  const within: Ways = { loops: 0, choices: 0 };
  if (!countElement(element, within)) return false;
  const varies = within.loops + within.choices > 0;
  if (varies && max > 1) return false;
  if (max > MOST_COPIES) ways.loops++;
  else if (max > min) ways.choices++;
  ways.loops += within.loops;
  ways.choices += within.choices;
  return true;
}

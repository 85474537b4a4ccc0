import type { Finding, Path } from './problem.ts';
import { isObject, type RawObject } from './raw.ts';

/** The environment that `${NAME}` reads. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How deep objects and lists may nest. The schema needs 8; a cycle needs more than any number. */
const deepest = 32;

/** How deep defaults may hold defaults. */
const deepestDefault = 32;

const tokens = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-|\}))?|\}/g;

/** A config with the environment filled in, and what was wrong on the way. */
export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
}

/**
 * A copy of a config in which `${NAME}` and `${NAME:-default}` in strings are replaced from the environment, as a
 * shell does it: the default stands in for a variable that is unset or empty, and may hold references itself. `$${` is
 * a plain `${`; in a default it ends with its own brace. Values are replaced after the file is parsed, so none can bring
 * in structure; keys are left alone.
 */
export function interpolate(root: unknown, env: Environment): Interpolated {
  const findings: Finding[] = [];
  const copy = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return fill(value, path);
    if (typeof value !== 'object' || value === null) return value;
    if (path.length > deepest) {
      findings.push({ path: path.slice(0, deepest), message: `nested too deeply, expected at most ${deepest} levels` });
      return undefined;
    }
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...path, index]));
    return isObject(value) ? copyObject(value, path) : value;
  };
  const copyObject = (value: RawObject, path: Path): RawObject => {
    const out: RawObject = {};
    for (const [key, item] of Object.entries(value)) {
      if (key === '__proto__') findings.push({ path: [...path, key], message: 'not a name that can be used' });
      else if (item !== undefined) out[key] = copy(item, [...path, key]);
    }
    return out;
  };
  const fill = (text: string, path: Path): string =>
    new Filling(text, env, (complaint) => findings.push({ path, part: 'value', ...complaint })).whole();
  return { value: copy(root, []), findings };
}

interface Complaint {
  readonly message: string;
  readonly hint?: string;
}

/** One string that is being filled in, from left to right. */
class Filling {
  readonly #text: string;
  readonly #env: Environment;
  readonly #complain: (complaint: Complaint) => void;
  readonly #tokens: Iterator<RegExpExecArray>;
  #at = 0;

  constructor(text: string, env: Environment, complain: (complaint: Complaint) => void) {
    this.#text = text;
    this.#env = env;
    this.#complain = complain;
    this.#tokens = text.matchAll(tokens);
  }

  whole(): string {
    return this.#read(0, true).text;
  }

  /** Reads to the brace that ends a default, or outside of one (at depth 0) to the end; `used` when it is to stand. */
  #read(depth: number, used: boolean): { text: string; closed: boolean } {
    let text = '';
    let plainBraces = 0;
    for (let next = this.#tokens.next(); !next.done; next = this.#tokens.next()) {
      const [written, name, follows] = next.value;
      text += this.#text.slice(this.#at, next.value.index);
      this.#at = next.value.index + written.length;
      if (written === '}') {
        if (depth > 0 && plainBraces === 0) return { text, closed: true };
        plainBraces--;
        text += '}';
      } else if (written === '$${') {
        plainBraces++;
        text += '${';
      } else if (name === undefined) this.#complain(nameless);
      else text += follows === ':-' ? this.#withDefault(name, depth, used) : this.#without(name, used);
    }
    text += this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return { text, closed: false };
  }

  #without(name: string, used: boolean): string {
    const value = this.#valueOf(name);
    if (value === undefined && used) this.#complain(unset(name));
    return value ?? '';
  }

  #withDefault(name: string, depth: number, used: boolean): string {
    if (depth === deepestDefault) {
      this.#complain({ message: `defaults nested too deeply, expected at most ${deepestDefault} levels` });
      for (this.#at = this.#text.length; !this.#tokens.next().done; );
      return '';
    }
    const value = this.#valueOf(name);
    const preset = this.#read(depth + 1, used && !value);
    if (!preset.closed) this.#complain(unclosed(name));
    return value || preset.text;
  }

  #valueOf(name: string): string | undefined {
    return Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
  }
}

const nameless: Complaint = {
  message: `got "\${" without a name, expected \${NAME} or \${NAME:-default}`,
  hint: `a plain "\${" is "$\${"`,
};

function unset(name: string): Complaint {
  return {
    message: `the environment variable ${name} is not set`,
    hint: `a default is written \${${name}:-default}`,
  };
}

function unclosed(name: string): Complaint {
  return { message: `got "\${${name}:-" without its "}"`, hint: `a plain "\${" is "$\${"` };
}

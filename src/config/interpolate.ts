import type { Finding, Path } from './problem.ts';
import { isObject, type RawObject } from './raw.ts';

/** The environment that `${NAME}` reads. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How deep objects and lists may nest. The schema needs 8; a cycle needs more than any number. */
const deepest = 32;

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/** A config with the environment filled in, and what was wrong on the way. */
export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
}

/**
 * A copy of a config in which `${NAME}` and `${NAME:-default}` in strings are replaced from the environment, as a
 * shell does it: the default stands in for a variable that is unset or empty. `$${` is a plain `${`. Values are
 * replaced after the file is parsed, so none can bring in structure; keys are left alone.
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
    text.replace(reference, (written: string, name: string | undefined, preset: string | undefined) => {
      if (written === '$${') return '${';
      const value = name !== undefined && Object.hasOwn(env, name) ? env[name] : undefined;
      if (preset !== undefined) return value || preset;
      if (value === undefined) findings.push({ path, part: 'value', ...complaint(name) });
      return value ?? written;
    });
  return { value: copy(root, []), findings };
}

function complaint(name: string | undefined): { message: string; hint: string } {
  return name === undefined
    ? { message: `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, hint: `a plain "\${" is "$\${"` }
    : { message: `the environment variable ${name} is not set`, hint: `a default is written \${${name}:-default}` };
}

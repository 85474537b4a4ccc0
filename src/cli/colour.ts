import type { Io, Output } from './io.ts';

const codes = { bold: 1, dim: 2, inverse: 7, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Wraps text in the codes of a style, or passes it on as it is where colour is off. */
export type Paint = Readonly<Record<keyof typeof codes, (text: string) => string>>;

/**
 * Whether to colour what goes to `output`: FORCE_COLOR decides when it is set ('0' and 'false' turn colour off), then a
 * NO_COLOR that is not empty (no-color.org), then whether the output is a terminal that can show colour.
 */
export function isColoured(output: Output, env: Io['env']): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = env;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (refused !== undefined && refused !== '') return false;
  return output.isTTY === true && terminal !== 'dumb';
}

/** The styles for one output of a command. */
export function paintFor(output: Output, env: Io['env']): Paint {
  const on = isColoured(output, env);
  const style = (code: number) => (text: string) => (on ? `\u001b[${code}m${text}\u001b[0m` : text);
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [name, style(code)])) as Paint;
}

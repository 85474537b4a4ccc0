const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const NONE = '–';

/** A number of three digits or so, with k, M or G behind it from so many thousands on. */
function short(value: number, fromThousands: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size * fromThousands * 0.9995) return `${threeDigits(value / size)}${unit}`;
  }
  return threeDigits(value);
}

function threeDigits(value: number): string {
  if (value >= 99.95) return grouped.format(value);
  return String(Number(value.toFixed(value < 9.995 ? 2 : 1)));
}

/** How often a second: `0`, `0.5`, `12.3`, `1,234`, `12.3k`. */
export function rate(perSecond: number): string {
  return short(perSecond, 10);
}

/** A whole number with all its digits. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A time in ms, with its unit; a dash for none. */
export function latency(ms: number | null): string {
  if (ms === null) return NONE;
  return ms >= 999.5 ? `${threeDigits(ms / 1000)} s` : `${threeDigits(ms)} ms`;
}

/** Bytes a second, with a unit. */
export function byteRate(bytesPerSecond: number): string {
  return `${short(bytesPerSecond, 1).replace(/(?<=\d)(?=[kMG]?$)/, ' ')}B/s`;
}

/** A part of a whole in percent; a dash when there is no whole. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return NONE;
  const percent = (part / whole) * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A span of time in its two largest units: `3 d 4 h`, `12 s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value], index) => index === 0 || value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** The time of day, as the browser's user writes it, to the second. */
export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour12: false });
}

/** `1 backend`, `2 backends`. */
export function plural(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`;
}

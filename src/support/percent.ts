const form = /^(\d{1,3}(?:\.\d{1,6})?)%$/;

/** Reads a share such as `50%` or `0.5%` into a fraction 0..1; `undefined` without the sign or above 100 %. */
export function parsePercent(text: string): number | undefined {
  const parts = form.exec(text);
  if (!parts) return undefined;
  const hundredths = Number(parts[1]);
  return hundredths <= 100 ? hundredths / 100 : undefined;
}

/** Writes a fraction 0..1 as a share, to six decimals at most: 0.5 is `50%`, 0.005 is `0.5%`. */
export function formatPercent(fraction: number): string {
  return `${Number((fraction * 100).toFixed(6))}%`;
}

/** A measured fraction as people read it, to a decimal: 0.125 is `12.5 %`. */
export function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}

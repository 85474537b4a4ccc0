import { escapeXml } from '../lib/line-chart.ts';

/** One bar: p99 in ms. */
export interface Bar {
  readonly name: string;
  readonly p99Ms: number;
}

/** Bars that belong together. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const [WIDTH, ROW, LABEL, PLOT] = [760, 17, 150, 500] as const;
/** The longest bar stands for this much or more, in ms; lengths are logarithmic from 10 ms. */
const [FIRST_MS, LAST_MS] = [10, 20_000] as const;

const STYLE = `
  svg { --ground: #ffffff; --ink: #1f2328; --faint: #59636e; --bar: #0969da; }
  @media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --ink: #e6edf3; --faint: #9198a1; --bar: #58a6ff; } }
  text { font: 12px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 16px; font-weight: 600; }
  .group { font-weight: 600; }
  .faint { fill: var(--faint); }
  .ground { fill: var(--ground); }
  .bar { fill: var(--bar); }
`;

/** An SVG of horizontal bars in groups, on a logarithmic scale. */
export function barChart(title: string, subtitle: string, groups: readonly BarGroup[]): string {
  const parts: string[] = [];
  let y = 72;
  for (const group of groups) {
    parts.push(`<text class="group" x="16" y="${y}">${escapeXml(group.title)}</text>`);
    y += 8;
    for (const { name, p99Ms } of group.bars) {
      const part = Math.log(Math.max(p99Ms, FIRST_MS) / FIRST_MS) / Math.log(LAST_MS / FIRST_MS);
      const length = Math.max(2, Math.min(1, part) * PLOT);
      const text = p99Ms < 1000 ? `${p99Ms.toFixed(0)} ms` : `${(p99Ms / 1000).toFixed(1)} s`;
      parts.push(`<text class="faint" x="${LABEL - 8}" y="${y + 12}" text-anchor="end">${escapeXml(name)}</text>`);
      parts.push(
        `<rect class="bar" x="${LABEL}" y="${y + 2}" width="${length.toFixed(1)}" height="${ROW - 4}" rx="2"/>`,
      );
      parts.push(`<text x="${(LABEL + length + 6).toFixed(1)}" y="${y + 12}">${text}</text>`);
      y += ROW;
    }
    y += 26;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escapeXml(title)}">`,
    `<style>${STYLE}</style><rect class="ground" width="100%" height="100%"/>`,
    `<text class="title" x="16" y="26">${escapeXml(title)}</text>`,
    `<text class="faint" x="16" y="46">${escapeXml(subtitle)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

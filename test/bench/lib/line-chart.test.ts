import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeXml, gridStep, type LineChart, lineChart, type Series } from '../../../bench/lib/line-chart.ts';

const first: Series = {
  name: 'L7',
  style: 'first',
  points: [
    [1, 400],
    [8, 3200],
  ],
  endLabel: 'L7 × 8.00',
};
const second: Series = { ...first, name: 'L4', style: 'second', endLabel: 'L4 × 8.00' };
const ideal: Series = {
  name: 'N × one',
  style: 'ideal',
  points: [
    [0, 0],
    [8, 3200],
  ],
};

function chart(...series: Series[]): LineChart {
  return { title: 'A & B', subtitle: '<sub>', xTitle: 'backends', yTitle: 'requests per second', series };
}

/** A document is well-formed when its elements nest, its attributes are quoted, and no bare `<` or `&` is left. */
function checkWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_all, close, name, _attrs, empty) => {
      if (close) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/</);
  expect(rest.replace(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/&/);
}

describe('escapeXml', () => {
  it('escapes what XML reserves', () =>
    expect(escapeXml('<a href="x">&</a>')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;'));
});

describe('gridStep', () => {
  it.each([
    [3200, 1000],
    [5000, 1000],
    [5001, 2000],
    [400, 100],
    [11, 2.5],
    [19, 4],
    [1, 0.2],
    [10, 2],
  ])('for values up to %d is %d', (most, step) => expect(gridStep(most)).toBeCloseTo(step, 12));

  it('needs at most five lines, and more than one', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), (most) => {
        const lines = most / gridStep(most);
        expect(lines).toBeLessThanOrEqual(5 + 1e-6);
        expect(lines).toBeGreaterThan(2);
      }),
    );
  });
});

describe('lineChart', () => {
  it('is well-formed whatever the texts are', () => {
    const text = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.array(fc.nat(1e6), { minLength: 1, maxLength: 6 }), (title, name, ys) => {
        const points = ys.map((y, i) => [i + 1, y] as const);
        checkWellFormed(lineChart({ ...chart(ideal, { ...first, name, endLabel: name, points }), title }));
      }),
    );
  });

  it('names itself and carries both axis titles and the legend', () => {
    const svg = lineChart(chart(ideal, first, second));
    expect(svg).toContain('role="img" aria-label="A &amp; B"');
    for (const word of ['A &amp; B', '&lt;sub&gt;', 'backends', 'requests per second', 'N × one', 'L7', 'L4']) {
      expect(svg).toContain(`>${word}</text>`);
    }
  });

  it('places the points on the scale, which starts at zero', () => {
    const svg = lineChart(chart(ideal, first));
    expect(svg).toContain('class="line ideal" d="M84 398L668 156.4"');
    expect(svg).toContain('<circle class="mark first" cx="157" cy="367.8" r="4"/>');
    expect(svg).toContain('<circle class="mark first" cx="668" cy="156.4" r="4"/>');
    expect([...svg.matchAll(/text-anchor="end">([\d,]+)</g)].map(([, label]) => label)).toEqual([
      '0',
      '1,000',
      '2,000',
      '3,000',
      '4,000',
    ]);
    expect([...svg.matchAll(/y="420" class="faint" text-anchor="middle">(\d)</g)].map(([, x]) => x)).toEqual([
      '0',
      '1',
      '8',
    ]);
  });

  it('draws diamonds under circles, so that two series on one line can both be seen', () => {
    const svg = lineChart(chart(ideal, first, second));
    expect(svg.match(/class="mark second"/g)).toHaveLength(2);
    expect(svg.match(/class="mark first"/g)).toHaveLength(2);
    expect(svg.lastIndexOf('class="mark second"')).toBeLessThan(svg.indexOf('class="mark first"'));
    expect(svg.indexOf('class="line ideal"')).toBeLessThan(svg.indexOf('class="line second"'));
    expect(svg).not.toContain('class="mark ideal"');
  });

  it('keeps the end labels apart', () => {
    const svg = lineChart(chart(first, second));
    const labels = [...svg.matchAll(/y="([\d.]+)" class="(?:first|second)-text"/g)].map(([, y]) => Number(y));
    expect(labels).toHaveLength(2);
    expect(labels[1]! - labels[0]!).toBeGreaterThanOrEqual(18);
  });

  it('defines each of its colours for light and for dark, on a ground of its own', () => {
    const svg = lineChart(chart(first));
    const [light, dark] = svg.split('@media (prefers-color-scheme: dark)');
    const used = new Set([...svg.matchAll(/var\((--\w+)\)/g)].map(([, name]) => name));
    expect(used.size).toBe(6);
    for (const name of used) {
      const [onLight, onDark] = [light, dark].map((part) => new RegExp(`${name}: (#\\w{6})`).exec(part!)?.[1]);
      expect(onLight, name).toBeDefined();
      expect(onDark, name).toBeDefined();
      expect(onLight).not.toBe(onDark);
    }
    expect(svg).toContain('<rect class="ground"');
  });
});

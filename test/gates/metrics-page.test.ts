import { describe, expect, it } from 'vitest';
import { catalogue, METRIC_PREFIX, type MetricEntry } from '../../src/observe/catalogue.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory } from '../../src/observe/meters.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { readFiles } from './source.ts';

const page = readFiles('docs/metrics.md')[0]!.text;

/** The cells of every row of the tables of a page, by their first cell. */
const rows = [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row!.split('|').map((cell) => cell.trim()));
const entries: [string, MetricEntry][] = Object.entries(catalogue);

describe('docs/metrics.md', () => {
  it('has a row for each metric of the catalogue, with its type, labels and unit', () => {
    const described = rows.filter(([name, type]) => name!.startsWith('`fairlead_') && /^[a-z]+$/.test(type!));
    const tables = described.filter(([, type]) => ['counter', 'gauge', 'histogram'].includes(type!));
    const found = tables.map(([name, type, labels]) => [name, type, labels]);
    const wanted = entries.map(([name, { type, labels }]) => [`\`${METRIC_PREFIX}${name}\``, type, labels.join(', ')]);
    expect(found.sort()).toEqual(wanted.sort());
  });

  it.each(entries)('%s has the unit that its name says', (name, { type }) => {
    const [, , , unit] = rows.find((row) => row[0] === `\`${METRIC_PREFIX}${name}\`` && row[1] === type)!;
    if (name.endsWith('_timestamp_seconds')) expect(unit).toBe('Unix time');
    else if (name.endsWith('_seconds')) expect(unit).toBe('seconds');
    else if (name.startsWith('bytes_')) expect(unit).toBe('bytes');
    else expect(unit).toMatch(/^(?!seconds|bytes)\w/);
  });

  it('has the words of every label that is neither from the config nor told elsewhere', () => {
    const named = new Set(['listener', 'route', 'pool', 'backend', 'code', 'certificate', 'version', 'node']);
    const wanted = entries.flatMap(([name, { labels }]) =>
      labels.filter((label) => !named.has(label)).map((label) => `${METRIC_PREFIX}${name} ${label}`),
    );
    const found = rows.flatMap(([names, label, words]) =>
      words !== undefined && ['counter', 'gauge', 'histogram'].includes(label!)
        ? []
        : [...names!.matchAll(/`(fairlead_\w+)`/g)].map(([, name]) => `${name} ${label}`),
    );
    expect(found.sort()).toEqual(wanted.sort());
  });

  it.runIf(process.platform === 'linux')('names what prom-client adds of the process, and nothing else', async () => {
    const none = () => [];
    const metrics = new Metrics({
      reader: new MeterReader(createMeterMemory({ lanes: 1, cellsPerLane: 1024 })),
      gauges: {
        backends: none,
        queues: none,
        bans: none,
        certificates: none,
        restarts: none,
        listenerLimits: none,
        connectionsLimit: () => 0,
        generation: () => 1,
        workers: () => 1,
      },
      version: '1.2.3',
    });
    const { body } = await metrics.render();
    const exposed = [...body.matchAll(/^# TYPE ((?:process|nodejs)_\S+) /gm)].map(([, name]) => name!);
    const lag = /^nodejs_eventloop_lag_(min|max|mean|stddev|p50|p90|p99)_seconds$/;
    const plain = exposed.filter((name) => !lag.test(name) && !/^nodejs_active_.*_total$/.test(name));
    const named = [...page.matchAll(/`((?:process|nodejs)_[a-z_]*[a-z])`/g)].map(([, name]) => name!);
    expect([...new Set(named)].sort()).toEqual(plain.sort());
  });
});

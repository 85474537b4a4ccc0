import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { catalogue, METRIC_PREFIX, type MetricEntry } from '../../src/observe/catalogue.ts';
import { linkBreaches } from './docs.ts';
import { dashboards, queries, rules } from './monitoring.ts';
import { asked } from './promql.ts';
import { readFiles, root } from './source.ts';

/** What every series has that Prometheus has scraped. */
const scraped = ['job', 'instance'];
const recorded = new Map(rules().flatMap(({ record, expr }) => (record === undefined ? [] : [[record, expr]])));

/** The labels that the series of a metric may have; undefined when there is no such metric. */
function labelsOf(name: string): readonly string[] | undefined {
  if (name === 'up') return scraped;
  if (name === 'ALERTS') return [...scraped, 'alertname', 'alertstate', 'severity'];
  if (/^(process|nodejs)_/.test(name)) return [...scraped, 'kind', 'type', 'space'];
  const expression = recorded.get(name);
  if (expression !== undefined) {
    const { metrics, grouped } = asked(expression);
    return grouped.length > 0 ? grouped : metrics.flatMap((metric) => labelsOf(metric.name) ?? []);
  }
  const plain = name.slice(METRIC_PREFIX.length);
  const entries: Partial<Record<string, MetricEntry>> = catalogue;
  const entry = entries[plain] ?? entries[plain.replace(/_(bucket|sum|count)$/, '')];
  if (entry === undefined || (entry.type === 'histogram') === (entries[plain] === entry)) return undefined;
  return [...scraped, ...entry.labels, ...(plain.endsWith('_bucket') ? ['le'] : [])];
}

/** What an expression asks for that does not exist. */
function unknownIn(expr: string, written: readonly string[] = []): string[] {
  const { metrics, grouped } = asked(expr);
  const all = metrics.flatMap(({ name }) => labelsOf(name) ?? []);
  return [
    ...metrics.flatMap(({ name, labels }) => {
      const known = labelsOf(name);
      if (known === undefined) return [`no metric ${name}`];
      return labels.filter((label) => !known.includes(label)).map((label) => `${name} has no label ${label}`);
    }),
    ...[...grouped, ...written].filter((label) => !all.includes(label)).map((label) => `no label ${label}`),
    ...(metrics.length === 0 ? ['asks for nothing'] : []),
  ];
}

describe('what expressions ask for', () => {
  it.each([
    ['fairlead_request_total', ['no metric fairlead_request_total']],
    ['fairlead_backend_connect_seconds', ['no metric fairlead_backend_connect_seconds']],
    ['fairlead_workers_bucket', ['no metric fairlead_workers_bucket']],
    ['sum by (route) (fairlead_backend_up{pol="x"})', ['fairlead_backend_up has no label pol', 'no label route']],
    ['sum by (le) (fairlead_backend_connect_seconds_bucket{pool="x"})', []],
    ['pool:fairlead_nothing:rate5m', ['no metric pool:fairlead_nothing:rate5m']],
  ])('is known of %s', (expr, unknown) => {
    expect(unknownIn(expr)).toEqual(unknown);
  });
});

describe('config/prometheus', () => {
  it.each(rules().map((rule) => [rule.alert ?? rule.record, rule] as const))('%s asks for what exists', (_, rule) => {
    const text = Object.values(rule.annotations ?? {}).join(' ');
    const written = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    expect(unknownIn(rule.expr, written)).toEqual([]);
  });

  const alerts = rules().filter((rule) => rule.alert !== undefined);

  it.each(alerts.map((rule) => [rule.alert!, rule] as const))('%s tells what it is, and what to do', (name, rule) => {
    const { summary, description, runbook } = rule.annotations!;
    expect(rule.labels?.['severity']).toMatch(/^(critical|warning)$/);
    expect(summary!.length).toBeLessThan(80);
    expect(description).toMatch(/\.$/);
    expect(runbook).toBe(`docs/alerts.md#${name.toLowerCase()}`);
    const page = { path: 'README.md', text: `[runbook](${runbook})` };
    expect(linkBreaches(page, (path) => readFiles(path)[0]?.text)).toEqual([]);
  });

  it('has a test for each alert in which it fires, and one in which it does not', () => {
    const { tests } = parse(readFiles('config/prometheus/alerts.test.yml')[0]!.text) as {
      tests: { input_series: { series: string }[]; promql_expr_test: { exp_samples: { labels: string }[] }[] }[];
    };
    for (const { alert, expr } of alerts) {
      const base = (name: string): string[] =>
        recorded.has(name) ? asked(recorded.get(name)!).metrics.flatMap((metric) => base(metric.name)) : [name];
      const metrics = asked(expr).metrics.flatMap(({ name }) => base(name));
      const firing = tests.flatMap(({ promql_expr_test: cases }) =>
        cases.flatMap(({ exp_samples: samples }) => samples.filter(({ labels }) => labels.includes(`"${alert}"`))),
      );
      const who = new Set(firing.map(({ labels }) => /(?:instance|job)="([^"]*)"[^,]*$/.exec(labels)![1]!));
      const others = tests
        .flatMap(({ input_series: series }) => series.map((one) => one.series))
        .filter((series) => metrics.some((metric) => series.startsWith(`${metric}{`)))
        .filter((series) => ![...who].some((name) => series.includes(`"${name}"`)));
      expect([alert, who.size > 0, others.length > 0]).toEqual([alert, true, true]);
    }
  });

  it('scrapes the job that the alerts ask for, and loads the files that are there', () => {
    const { rule_files: files, scrape_configs: jobs } = parse(readFiles('config/prometheus/prometheus.yml')[0]!.text);
    expect(jobs.map((job: { job_name: string }) => job.job_name)).toEqual(['fairlead']);
    expect(files.filter((file: string) => !existsSync(`${root}config/prometheus/${file}`))).toEqual([]);
  });
});

describe('config/grafana', () => {
  it.each(queries().map((query) => [query.where, query] as const))(
    '%s asks for what exists',
    (_, { expr, written }) => {
      expect(unknownIn(expr, written)).toEqual([]);
    },
  );

  it.each(dashboards().map((one) => [one.path, one.dashboard] as const))('%s is laid out without gaps', (_, shown) => {
    const cells = new Set<string>();
    for (const { gridPos: at } of shown.panels) {
      for (let x = at.x; x < at.x + at.w; x++)
        for (let y = at.y; y < at.y + at.h; y++) {
          expect(cells.has(`${x},${y}`)).toBe(false);
          cells.add(`${x},${y}`);
        }
      expect(at.x + at.w).toBeLessThanOrEqual(24);
    }
    expect(new Set(shown.panels.map(({ id }) => id)).size).toBe(shown.panels.length);
    const used = new Set(
      JSON.stringify(shown)
        .match(/\$\{?[a-z]\w*/g)!
        .map((name) => name.replace(/^\$\{?/, '')),
    );
    expect([...used].sort()).toEqual(shown.templating.list.map(({ name }) => name).sort());
  });

  it('has dashboards that between them show every metric but those that are only there for alerts', () => {
    const shown = new Set(queries().flatMap(({ expr }) => asked(expr).metrics.map(({ name }) => name)));
    const missing = Object.entries(catalogue as Record<string, MetricEntry>)
      .map(([name, { type }]) => METRIC_PREFIX + name + (type === 'histogram' ? '_bucket' : ''))
      .filter((name) => !shown.has(name));
    expect(missing).toEqual([]);
  });

  it('has the data source and the folder that it is provisioned with', () => {
    const [source] = parse(readFiles('config/grafana/provisioning/datasources/*.yml')[0]!.text).datasources;
    expect(source).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true });
    const [provider] = parse(readFiles('config/grafana/provisioning/dashboards/*.yml')[0]!.text).providers;
    const { services } = parse(readFiles('compose.yaml')[0]!.text, { merge: true });
    expect(services.grafana.volumes).toContain(`./config/grafana/dashboards:${provider.options.path}:ro`);
  });
});

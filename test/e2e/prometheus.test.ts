import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { errorStatus } from '../../src/proxy/error-response.ts';
import { queries } from '../gates/monitoring.ts';
import { asked } from '../gates/promql.ts';
import { readFiles, root } from '../gates/source.ts';
import { freePort } from '../support/kept-ports.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { has, run, startServer } from '../support/servers.ts';
import { startAttached } from '../support/socket-backends.ts';

const here = has('prometheus', 'promtool');
const folder = `${root}config/prometheus`;
const token = 'token-of-the-test';

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Fairlead before a backend that answers and one that resets, with a mirror and sessions, so that most metrics have series. */
async function startBusy(): Promise<RunningFairlead> {
  const [good, bad] = await startAttached(['good', 'bad'], (server, name) => {
    server.on('request', (request, response) => {
      if (name === 'bad') request.socket.destroy();
      else response.end(name);
    });
    return undefined;
  });
  const backends = [good!, bad!].map(({ name, address }) => ({ name, address, maxConnections: 50 }));
  const lb = await runFairlead({
    admin: { bind: '127.0.0.1:0', token },
    listeners: {
      web: {
        protocol: 'http',
        bind: '127.0.0.1:0',
        routes: [
          { name: 'fixed', match: { path: '/fixed' }, respond: { status: 200 } },
          { name: 'apps', pool: 'apps', sticky: { cookie: 'id' }, mirror: { pool: 'good', percent: 100 } },
        ],
      },
      raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'apps' },
    },
    pools: {
      apps: { backends, health: { type: 'off' }, queue: { max: 10 } },
      good: { backends: backends.slice(0, 1), health: { type: 'off' } },
    },
  });
  return lb;
}

const ask = async (address: string) => {
  const response = await fetch(`http://${address}/`, { headers: { connection: 'close' } }).catch(() => undefined);
  await response?.text();
};

describe.skipIf(skipsWithout(here))('Prometheus, before a running instance', () => {
  let lb: RunningFairlead;
  let home: string;
  let port: number;
  let rulesTested: Promise<{ stdout: string; stderr: string }[]>;

  const api = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  };
  const query = async (expr: string) =>
    (await api<{ result: Result[] }>(`query?query=${encodeURIComponent(expr)}`)).result;

  const exposition = async () => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`http://${lb.adminAddresses[0]}/metrics`, { headers })).text();
  };

  beforeAll(async () => {
    lb = await startBusy();
    home = await mkdtemp(join(tmpdir(), 'fairlead-prometheus-'));
    remember({ close: () => rm(home, { recursive: true }) });
    await writeFile(join(home, 'token'), token);
    const config = parse(await readFile(`${folder}/prometheus.yml`, 'utf8'));
    config.global = { scrape_interval: '500ms', evaluation_interval: '500ms' };
    config.rule_files = config.rule_files.map((file: string) => join(folder, file));
    const [job] = config.scrape_configs;
    job.authorization.credentials_file = join(home, 'token');
    job.static_configs = [{ targets: lb.adminAddresses }];
    await writeFile(join(home, 'prometheus.yml'), stringify(config));
    await run('promtool', ['check', 'config', join(home, 'prometheus.yml')]);
    port = await freePort();
    const flags = ['--config.file', join(home, 'prometheus.yml'), '--storage.tsdb.path', join(home, 'data')];
    await startServer('prometheus', [...flags, '--web.listen-address', `127.0.0.1:${port}`], port);
    // It looks for what to scrape after five seconds only: time enough for this.
    const files = ['recording.yml', 'alerts.yml'].map((file) => join(folder, file));
    const tools = [
      ['check', 'rules', ...files],
      ['test', 'rules', join(folder, 'alerts.test.yml')],
    ];
    rulesTested = Promise.all(
      tools.map((args) => run('promtool', args).catch((error: { stdout: string; stderr: string }) => error)),
    );
    let over = false;
    const flow = (async () => {
      while (!over) for (const name of ['web', 'raw']) await ask(lb.address(name));
    })();
    const counted = 'increase(fairlead_requests_total{route="apps"}[1m]) > 0';
    await eventually(async () => (await query(counted).catch(() => [])).length > 0, 'a scrape with traffic');
    const recorded = 'route:fairlead_request_duration_seconds:p99_5m > 0';
    await eventually(async () => (await query(recorded)).length > 0, 'a rule that is recorded');
    over = true;
    await flow;
  });
  afterAll(closeOpened);

  it('finds the rules well-formed, and every alert to fire when it should and not when it should not', async () => {
    const [checked, tested] = await rulesTested;
    expect(checked!.stdout + checked!.stderr).not.toContain('FAILED');
    expect(tested!.stdout + tested!.stderr).toMatch(/^Unit Testing: .*\n\s*SUCCESS\s*$/);
  });

  it('scrapes with the token of its file', async () => {
    const { activeTargets } = await api<{ activeTargets: { health: string; lastError: string }[] }>('targets');
    expect(activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
  });

  it('is shown labels with no other words than those that docs/metrics.md has', async () => {
    const page = readFiles('docs/metrics.md')[0]!.text;
    const known = new Set([...page.matchAll(/`([a-z-]+)`/g)].map(([, word]) => word!).concat(Object.keys(errorStatus)));
    const words = /[{,](?:direction|phase|how|reason|result|to)="([^"]*)"/g;
    const shown = new Set([...(await exposition()).matchAll(words)].map(([, word]) => word!));
    expect(shown.size).toBeGreaterThan(10);
    expect([...shown].filter((word) => !known.has(word))).toEqual([]);
  });

  it('evaluates every rule', async () => {
    const { groups } = await api<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
      'rules',
    );
    const wrong = groups.flatMap(({ rules }) => rules).filter(({ health }) => health !== 'ok');
    expect(wrong).toEqual([]);
    expect(groups).toHaveLength(6);
  });

  it('answers what the dashboards ask, with something where there is something, and with the labels they write', async () => {
    const text = await exposition();
    const exposed = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
    const sampled = new Set([...text.matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name]) => name!));
    const problems: string[] = [];
    for (const { where, expr, written } of queries()) {
      const { metrics } = asked(expr);
      const own = metrics.map(({ name }) => name).filter((name) => /^(fairlead|process|nodejs)_/.test(name));
      const unknown = own.filter((name) => !exposed.has(name.replace(/_(bucket|sum|count)$/, '')));
      problems.push(...unknown.filter((name) => !exposed.has(name)).map((name) => `${where}: no metric ${name}`));
      const plain = expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$job', 'fairlead')
        .replaceAll(/\$(instance|listener|pool)/g, '.*');
      // Errors, changes and what is in excess are selected by more than the name, and may well be absent. What is new
      // has a rate from its second scrape on.
      const expected = own.length > 0 && own.every((name) => sampled.has(name)) && !/code=~| > 0/.test(expr);
      let result = await query(plain);
      if (expected)
        await eventually(async () => {
          result = await query(plain);
          return result.length > 0;
        }, `${where}: an answer to ${plain}`);
      for (const label of written)
        if (result.some(({ metric }) => metric[label] === undefined)) problems.push(`${where}: no label ${label}`);
    }
    expect(problems).toEqual([]);
  });
});

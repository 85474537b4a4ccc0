import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/observe/catalogue.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';
import { type ControlGauges, Metrics } from '../../src/observe/metrics.ts';

type Backend = ReturnType<ControlGauges['backends']> extends Iterable<infer B> ? B : never;

const one: Backend = { pool: 'p', backend: 'a', up: true, enabled: true, active: 3, limit: 0 };

function setUp(gauges: Partial<ControlGauges> = {}) {
  const memory = createMeterMemory({ lanes: 2, cellsPerLane: 65_536 });
  const reader = new MeterReader(memory);
  const workers = [0, 1].map((n) => new Meters(memory, n, (claim) => reader.add(n, claim)));
  const none: ControlGauges = {
    backends: () => [],
    queues: () => [],
    generation: () => 1,
    workers: () => 2,
    restarts: () => [],
    connectionsLimit: () => 0,
    listenerLimits: () => [],
    certificates: () => [],
    bans: () => [],
  };
  const metrics = new Metrics({ reader, gauges: { ...none, ...gauges }, version: '1.2.3' });
  return { workers, metrics };
}

/** The samples of a scrape as text lines, only Fairlead's own. */
async function scrape(metrics: Metrics): Promise<string[]> {
  const { body } = await metrics.render();
  return body.split('\n').filter((line) => line.startsWith('fairlead_'));
}

async function scrapeOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await scrape(metrics)).filter((line) => line.startsWith(name));
}

describe('Metrics', () => {
  it('describes every metric of the catalogue once, and nothing else but the process', async () => {
    const { body, contentType } = await setUp().metrics.render();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type]);
    const own = types.filter(([name]) => name!.startsWith('fairlead_'));
    const expected = Object.entries(catalogue).map(([name, { type }]) => [`fairlead_${name}`, type]);
    expect(own.sort()).toEqual(expected.sort());
    for (const [name] of types) expect(name).toMatch(/^(fairlead|process|nodejs)_/);
    for (const [name, { help }] of Object.entries(catalogue))
      expect(body).toContain(`# HELP fairlead_${name} ${help}\n`);
    expect(body).not.toContain('backend_latency');
  });

  it('is well-formed text: every line is a comment, a sample, or empty, and the last one ends', async () => {
    const { workers, metrics } = setUp();
    workers[0]!.histogram('request_duration_seconds', { listener: 'web', route: 'r' }).observe(0.2);
    const { body } = await metrics.render();
    expect(body.endsWith('\n')).toBe(true);
    for (const line of body.split('\n')) expect(line).toMatch(/^$|^# (HELP|TYPE) \S+ |^[a-z_0-9]+(\{[^}]*\})? \S+$/);
  });

  it('sums what workers count, label by label', async () => {
    const { workers, metrics } = setUp();
    const labels = { listener: 'web', route: 'route-1', pool: 'p', backend: '127.0.0.1:1', code: '200' };
    for (const meters of workers) {
      meters.cells[meters.counter('requests_total', labels)]! += 21;
      meters.cells[meters.gauge('connections_active', { listener: 'web' })]! += 2;
    }
    workers[0]!.cells[workers[0]!.counter('bytes_total', { listener: 'web', direction: 'out' })]! += 1e12;
    workers[0]!.latency({ pool: 'p', backend: 'x' }).observe(5);
    const lines = await scrape(metrics);
    expect(lines).toContain(
      'fairlead_requests_total{listener="web",route="route-1",pool="p",backend="127.0.0.1:1",code="200"} 42',
    );
    expect(lines).toContain('fairlead_connections_active{listener="web"} 4');
    expect(lines).toContain('fairlead_bytes_total{listener="web",direction="out"} 1000000000000');
  });

  it('gives a histogram cumulative buckets, +Inf, sum and count', async () => {
    const { workers, metrics } = setUp();
    for (const [n, meters] of workers.entries()) {
      const histogram = meters.histogram('backend_connect_seconds', { pool: 'p' });
      for (const seconds of [0.0001, 0.02, 0.02, n === 0 ? 20 : 45]) histogram.observe(seconds);
    }
    const name = 'fairlead_backend_connect_seconds';
    const lines = await scrapeOf(metrics, name);
    const counts = lines.filter((line) => line.includes('_bucket')).map((line) => Number(line.split(' ')[1]));
    expect(counts).toEqual([2, 2, 2, 2, 2, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 8]);
    expect(lines[0]).toMatch(
      /^fairlead_backend_connect_seconds_bucket\{(le="0.0005",pool="p"|pool="p",le="0.0005")\} 2$/,
    );
    expect(lines[15]).toMatch(/le="\+Inf"/);
    expect(lines[16]).toMatch(/^fairlead_backend_connect_seconds_sum\{pool="p"\} 65\.0802/);
    expect(lines[17]).toBe(`${name}_count{pool="p"} 8`);
    expect(lines).toHaveLength(18);
  });

  it('asks the control plane anew at every scrape', async () => {
    const backends: Backend[] = [one];
    let generation = 1;
    let workers = 2;
    const { metrics } = setUp({ backends: () => backends, generation: () => generation, workers: () => workers });
    const read = async () =>
      (await scrape(metrics)).filter((line) => /_up|_enabled|_active|_generation|_workers/.test(line));
    expect((await read()).sort()).toEqual([
      'fairlead_backend_active{pool="p",backend="a"} 3',
      'fairlead_backend_enabled{pool="p",backend="a"} 1',
      'fairlead_backend_up{pool="p",backend="a"} 1',
      'fairlead_config_generation 1',
      'fairlead_workers 2',
    ]);
    backends.splice(0, 1, { ...one, pool: 'q', backend: 'b', up: false, enabled: false, active: 0 });
    generation = 7;
    workers = 1;
    expect((await read()).sort()).toEqual([
      'fairlead_backend_active{pool="q",backend="b"} 0',
      'fairlead_backend_enabled{pool="q",backend="b"} 0',
      'fairlead_backend_up{pool="q",backend="b"} 0',
      'fairlead_config_generation 7',
      'fairlead_workers 1',
    ]);
  });

  it('tells its version and that of Node', async () => {
    const { metrics } = setUp();
    expect(await scrapeOf(metrics, 'fairlead_build_info')).toEqual([
      `fairlead_build_info{version="1.2.3",node="${process.version}"} 1`,
    ]);
  });

  it('counts reloads by their result, from 0', async () => {
    const { metrics } = setUp();
    const reloads = () => scrapeOf(metrics, 'fairlead_config_reloads_total');
    const lines = (applied: number, rejected: number) => [
      `fairlead_config_reloads_total{result="applied"} ${applied}`,
      `fairlead_config_reloads_total{result="rejected"} ${rejected}`,
    ];
    expect(await reloads()).toEqual(lines(0, 0));
    metrics.configReload('applied');
    metrics.configReload('rejected');
    metrics.configReload('rejected');
    expect(await reloads()).toEqual(lines(1, 2));
  });

  it('says whether the config that was loaded last is in force', async () => {
    const { metrics } = setUp();
    const last = () => scrapeOf(metrics, 'fairlead_config_last_reload_success');
    expect(await last()).toEqual(['fairlead_config_last_reload_success 1']);
    metrics.configReload('rejected');
    expect(await last()).toEqual(['fairlead_config_last_reload_success 0']);
    metrics.configReload('applied');
    expect(await last()).toEqual(['fairlead_config_last_reload_success 1']);
  });

  it('shows the limits that there are, and how often each worker was replaced', async () => {
    const { metrics } = setUp({
      backends: () => [one, { ...one, backend: 'b', limit: 7 }],
      connectionsLimit: () => 20_000,
      listenerLimits: () => [
        { listener: 'web', limit: 10_000 },
        { listener: 'raw', limit: 0 },
      ],
      restarts: () => [
        { worker: '0', restarts: 0 },
        { worker: '1', restarts: 2 },
      ],
    });
    expect((await scrape(metrics)).filter((line) => /_limit|_restarts/.test(line)).sort()).toEqual([
      'fairlead_backend_connections_limit{pool="p",backend="b"} 7',
      'fairlead_connections_limit 20000',
      'fairlead_listener_connections_limit{listener="web"} 10000',
      'fairlead_worker_restarts_total{worker="0"} 0',
      'fairlead_worker_restarts_total{worker="1"} 2',
    ]);
    const unlimited = await scrape(setUp().metrics);
    expect(unlimited.filter((line) => /_limit/.test(line))).toEqual([]);
  });

  it('counts changes of health', async () => {
    const { metrics } = setUp();
    metrics.healthTransition('p', 'a', 'down');
    metrics.healthTransition('p', 'a', 'down');
    metrics.healthTransition('p', 'a', 'up');
    expect(await scrapeOf(metrics, 'fairlead_health_transitions_total')).toEqual([
      'fairlead_health_transitions_total{pool="p",backend="a",to="down"} 2',
      'fairlead_health_transitions_total{pool="p",backend="a",to="up"} 1',
    ]);
  });

  it('escapes labels, so that a name from the config cannot forge a line', async () => {
    const backend = 'a"} 1\nfairlead_workers 99\n\\';
    const { workers, metrics } = setUp({ backends: () => [{ ...one, backend }] });
    workers[0]!.cells[workers[0]!.counter('backend_picks_total', { pool: 'p', backend })]! += 1;
    const escaped = 'a\\"} 1\\nfairlead_workers 99\\n\\\\';
    const lines = await scrape(metrics);
    expect(lines).toContain(`fairlead_backend_picks_total{pool="p",backend="${escaped}"} 1`);
    expect(lines).toContain(`fairlead_backend_up{pool="p",backend="${escaped}"} 1`);
    expect(lines.filter((line) => line.startsWith('fairlead_workers'))).toEqual(['fairlead_workers 2']);
  });

  it('serves several instances in one process, each with the metrics of the process once', async () => {
    const [first, second] = [setUp().metrics, setUp().metrics];
    first.configReload('applied');
    for (const metrics of [first, second]) {
      const { body } = await metrics.render();
      expect(body.match(/^process_cpu_seconds_total /gm)).toHaveLength(1);
      expect(body.match(/^# TYPE nodejs_heap_size_used_bytes gauge$/gm)).toHaveLength(1);
    }
    expect(await scrapeOf(second, 'fairlead_config_reloads_total')).toContain(
      'fairlead_config_reloads_total{result="applied"} 0',
    );
  });

  it('is scraped with 10,000 series on each of two lanes', async () => {
    const { workers, metrics } = setUp();
    for (const meters of workers)
      for (let n = 0; n < 10_000; n++)
        meters.cells[meters.counter('backend_picks_total', { pool: 'p', backend: `10.0.${n >> 8}.${n & 255}:80` })]! +=
          n;
    const lines = await scrapeOf(metrics, 'fairlead_backend_picks_total');
    expect(lines).toHaveLength(10_000);
    expect(lines.at(-1)).toBe('fairlead_backend_picks_total{pool="p",backend="10.0.39.15:80"} 19998');
  });
});

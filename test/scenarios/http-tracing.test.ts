import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';

const environment = new Set<string>();

afterEach(async () => {
  await closeOpened();
  for (const name of environment) delete process.env[name];
  environment.clear();
  trace.disable();
});

/** Sets what the process is told by its environment, until the test is over. */
function tell(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    environment.add(name);
    process.env[name] = value;
  }
}

function config(backends: readonly string[], routes?: unknown[]): ConfigInput {
  const web = webConfig([...backends], routes === undefined ? {} : ({ routes } as object));
  return { ...web, log: { level: 'silent', access: true } };
}

async function send(lb: RunningFairlead, request: string): Promise<void> {
  const client = await connectTo(lb.address());
  await client.send(request).answer();
  client.close();
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const sampledParent = `traceparent: 00-${traceId}-${parentId}-01`;
const unsampledParent = `traceparent: 00-${traceId}-${parentId}-00`;
const state = 'tracestate: congo=t61rcWkgMzE,rojo=00f067aa0ba902b7';

const server = (spans: readonly ReceivedSpan[]): ReceivedSpan => spans.find(({ kind }) => kind === 2)!;
const clients = (spans: readonly ReceivedSpan[]): ReceivedSpan[] => spans.filter(({ kind }) => kind === 3);

describe('trace context without an exporter', () => {
  it('passes as it came, and the access log knows the trace', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(config([backend.address]));
    await send(lb, get('/', 'TraceParent: not one', state));
    await send(lb, get('/', sampledParent, state));
    await send(lb, get('/'));
    expect(backend.requests.map((request) => fieldOf(request, 'traceparent'))).toEqual([
      'not one',
      sampledParent.slice(13),
      '',
    ]);
    expect(backend.requests.map((request) => fieldOf(request, 'tracestate') !== '')).toEqual([true, true, false]);
    await eventually(() => lb.accessLines.length === 3, 'three lines');
    expect(lb.accessLines.map((line) => JSON.parse(line).traceId)).toEqual(['', traceId, '']);
  });
});

describe('spans over OTLP', () => {
  async function start(backends: readonly string[], routes?: unknown[], more: Record<string, string> = {}) {
    const receiver = await startOtlpReceiver();
    tell({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SERVICE_NAME: 'edge', ...more });
    const lb = await runFairlead(config(backends, routes));
    return { receiver, lb };
  }

  it('are a server span and a client span below it, in the trace of the client', async () => {
    const backend = await startBackend(answerText('fine', '201 Created'));
    const { receiver, lb } = await start([backend.address]);
    const before = Date.now();
    await send(lb, get('/a/b?c=d&sig=secret', sampledParent, state, 'User-Agent: ua/1', 'Host: shop.test:81'));
    await eventually(() => receiver.spans.length === 2, 'two spans');
    const [above, [below]] = [server(receiver.spans), clients(receiver.spans)];
    expect(above).toMatchObject({ traceId, parentSpanId: parentId, name: 'GET', traceState: state.slice(12) });
    expect(above.attributes).toEqual({
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'url.path': '/a/b',
      'url.query': 'c=d&sig=REDACTED',
      'server.address': 'shop.test',
      'server.port': 81,
      'client.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'http.response.status_code': 201,
      'user_agent.original': 'ua/1',
      'fairlead.listener': 'web',
      'fairlead.route': expect.any(String),
      'fairlead.pool': 'web',
      'fairlead.ended': 'served',
    });
    expect(above.resource).toMatchObject({ 'service.name': 'edge' });
    const port = Number(backend.address.split(':')[1]);
    expect(below).toMatchObject({ traceId, parentSpanId: above.spanId, status: {} });
    expect(below!.attributes).toMatchObject({
      'server.address': '127.0.0.1',
      'server.port': port,
      'http.response.status_code': 201,
      'url.full': `http://${backend.address}/a/b?c=d&sig=REDACTED`,
      'fairlead.backend': backend.address,
    });
    expect(fieldOf(backend.requests[0]!, 'traceparent')).toBe(`00-${traceId}-${below!.spanId}-01`);
    expect(fieldOf(backend.requests[0]!, 'tracestate')).toBe(state.slice(12));
    const [start1, start2, end2, end1] = [
      above.startTimeUnixNano,
      below!.startTimeUnixNano,
      below!.endTimeUnixNano,
      above.endTimeUnixNano,
    ].map((nanos) => Number(BigInt(nanos) / 1000n));
    expect(start1! <= start2! && start2! < end2! && end2! <= end1!).toBe(true);
    expect(Math.abs(start1! / 1000 - before)).toBeLessThan(20_000);
    expect(JSON.parse(lb.accessLines[0] ?? '{"traceId":""}').traceId).toMatch(/^(|0af7651916cd43dd8448eb211c80319c)$/);
  });

  it('have an attempt each for a request that is tried again, and say what failed', async () => {
    const backend = await startBackend(answerText('oops', '500 Internal Server Error'));
    const { receiver, lb } = await start(['127.0.0.1:1', backend.address]);
    await send(lb, get('/'));
    await send(lb, get('/'));
    await eventually(() => receiver.spans.length >= 5, 'five spans');
    const failed = clients(receiver.spans).find(({ attributes }) => attributes['server.port'] === 1)!;
    expect(failed.attributes['error.type']).toBe('connect-refused');
    expect(failed.status).toMatchObject({ code: 2 });
    const second = clients(receiver.spans).find(
      ({ traceId: trace, spanId }) => trace === failed.traceId && spanId !== failed.spanId,
    )!;
    expect(second.attributes).toMatchObject({ 'http.request.resend_count': 1, 'error.type': '500' });
    expect(second.parentSpanId).toBe(failed.parentSpanId);
    const told = backend.requests.map((request) => fieldOf(request, 'traceparent'));
    expect(told).toContain(`00-${second.traceId}-${second.spanId}-01`);
    for (const above of receiver.spans.filter(({ kind }) => kind === 2)) {
      expect(above).not.toHaveProperty('parentSpanId');
      expect(above.status).toMatchObject({ code: 2 });
    }
  });

  it('are made of answers of our own too', async () => {
    const routes = [{ match: { path: '/ping' }, respond: { status: 200, body: 'pong' } }];
    const { receiver, lb } = await start(['127.0.0.1:1'], routes);
    await send(lb, get('/ping'));
    await send(lb, get('/none'));
    await eventually(() => receiver.spans.length === 2, 'two spans');
    expect(receiver.spans.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([200, 404]);
  });

  it('are not made when the client does not record its own, and a trace that is broken is begun anew', async () => {
    const backend = await startBackend();
    const { receiver, lb } = await start([backend.address]);
    await send(lb, get('/', unsampledParent, state));
    await send(lb, get('/', 'traceparent: broken', state));
    await eventually(() => receiver.spans.length === 2, 'two spans');
    const [passed, made] = backend.requests;
    expect(fieldOf(passed!, 'traceparent')).toBe(unsampledParent.slice(13));
    expect(fieldOf(passed!, 'tracestate')).toBe(state.slice(12));
    expect(fieldOf(made!, 'traceparent')).toBe(
      `00-${server(receiver.spans).traceId}-${clients(receiver.spans)[0]!.spanId}-01`,
    );
    expect(fieldOf(made!, 'tracestate')).toBe('');
  });

  it('leave a route its own traceparent', async () => {
    const backend = await startBackend();
    const routes = [{ pool: 'web', headers: { request: { set: { TraceParent: 'mine' } } } }];
    const { lb } = await start([backend.address], routes);
    await send(lb, get('/', sampledParent));
    expect(backend.text.match(/^traceparent: .*$/gim)).toEqual(['TraceParent: mine']);
  });

  it('are none when the sampler says so, and backends are told that', async () => {
    const backend = await startBackend();
    const { receiver, lb } = await start([backend.address], undefined, { OTEL_TRACES_SAMPLER: 'always_off' });
    await send(lb, get('/', sampledParent));
    expect(fieldOf(backend.requests[0]!, 'traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    await lb.drain();
    expect(receiver.spans).toEqual([]);
  });
});

describe('spans through a provider that is there already', () => {
  it('are in the trace that backends are told', async () => {
    const memory = new InMemorySpanExporter();
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] });
    trace.setGlobalTracerProvider(provider);
    const backend = await startBackend();
    const lb = await runFairlead(config([backend.address]));
    await send(lb, get('/', sampledParent));
    await eventually(() => memory.getFinishedSpans().length === 2, 'two spans');
    expect(fieldOf(backend.requests[0]!, 'traceparent')).toBe(sampledParent.slice(13));
    const above = memory.getFinishedSpans().find(({ name, parentSpanContext }) => {
      return name === 'GET' && parentSpanContext?.spanId === parentId;
    });
    expect(above?.spanContext().traceId).toBe(traceId);
  });
});

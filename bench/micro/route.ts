/**
 * Nanoseconds of CPU and heap bytes per routed request, for routers as configs have them. Run: node bench/micro/route.ts.
 * It asserts nothing; compare runs on one machine only. The texts of a request are cut out of its head anew every
 * time, as the data path does it; the row `a catch-all` is the cost of that alone, in time and in bytes.
 */
import { getHeapStatistics } from 'node:v8';
import { compile } from '../../src/route/compile.ts';
import type { RequestFacts } from '../../src/route/facts.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { findUnreachable } from '../../src/route/unreachable.ts';

const ROUND_REQUESTS = 300_000;
const ROUNDS = 5;

interface Ask {
  readonly path: string;
  readonly query?: string;
  readonly cookie?: string;
}

/** Cuts its texts out of a longer one, so that each is a new string whose hash nobody has computed yet. */
class HeadFacts implements RequestFacts {
  method = '';
  host = '';
  path = '';
  query = '';
  source = '10.1.2.3';
  readonly #head: string;
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
    this.#head = `GETapi.example.com${ask.path}${ask.query ?? ''}`;
  }

  receive(): void {
    const pathEnd = 18 + this.#ask.path.length;
    this.method = this.#head.slice(0, 3);
    this.host = this.#head.slice(3, 18);
    this.path = this.#head.slice(18, pathEnd);
    this.query = this.#head.slice(pathEnd);
  }

  body(): null {
    return null;
  }

  header(name: string): string | undefined {
    return name === 'cookie' ? this.#ask.cookie : undefined;
  }
}

/** CPU time of this thread: unlike the time on the wall it hardly depends on what else the machine does. */
function nanosecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) * 1000;
}

/** All that was ever allocated on the heap, in steps of V8's buffers: garbage collection does not take it back. */
function allocatedBytes(): number {
  return getHeapStatistics().total_allocated_bytes;
}

function measure(matches: readonly MatchConfig[], ask: Ask): string {
  const router = compile(matches.map((match, index) => ({ name: `route-${index + 1}`, match, payload: index })));
  const facts = new HeadFacts(ask);
  let best = { ns: Number.POSITIVE_INFINITY, bytes: 0 };
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const allocatedBefore = allocatedBytes();
    const start = process.threadCpuUsage();
    for (let request = 0; request < ROUND_REQUESTS; request++) {
      facts.receive();
      taken += router.route(facts)?.index ?? 0;
    }
    const ns = nanosecondsSince(start) / ROUND_REQUESTS;
    const bytes = (allocatedBytes() - allocatedBefore) / ROUND_REQUESTS;
    if (ns < best.ns) best = { ns, bytes };
  }
  return `${best.ns.toFixed(1)} ns, ${best.bytes.toFixed(0)} B, route ${taken / ROUNDS / ROUND_REQUESTS}`;
}

const byPath = ['/v1/*', '/v2/*', '/static/*', '/*'].map((path) => ({ path: [path] }));
const byHost = ['www', 'shop', 'api'].map((name) => ({ host: [`${name}.example.com`] }));
const hundred = Array.from({ length: 100 }, (_, index) => ({ path: [`/service-${index}/*`] }));
const plain = { path: '/v3/accounts/1234/orders' };

console.table({
  'no routes': measure([], plain),
  'a catch-all': measure([{}], plain),
  '3 hosts, the last': measure(byHost, plain),
  '4 prefixes, the last': measure(byPath, plain),
  '4 prefixes, an escaped path': measure(byPath, { path: '/v3/caf%C3%A9/%7Eorders' }),
  '4 prefixes, a path read in two ways': measure(byPath, { path: '/v3/group%2Fproject' }),
  'a regex, then a catch-all': measure([{ path: ['~^/items/\\d+$'] }, {}], plain),
  '100 prefixes, none': measure(hundred, plain),
  'a source, then a catch-all': measure([{ source: ['192.168.0.0/16', '172.16.0.0/12'] }, {}], plain),
  'a query, then a catch-all': measure([{ query: { preview: { kind: 'exact', values: ['1'] } } }, {}], {
    ...plain,
    query: 'page=2&sort=name&q=a+b',
  }),
  'a cookie, then a catch-all': measure([{ cookie: { group: { kind: 'exact', values: ['beta'] } } }, {}], {
    ...plain,
    cookie: 'session=0123456789abcdef; theme=dark; group=stable',
  }),
});

const many = Array.from({ length: 2000 }, (_, index) => ({
  name: `route-${index + 1}`,
  match: { host: [`h${index % 50}.example.com`], path: [`/service-${index}/*`] },
  payload: index,
}));
const start = process.threadCpuUsage();
const found = findUnreachable(many).length;
console.log(`findUnreachable over 2,000 routes: ${(nanosecondsSince(start) / 1e6).toFixed(0)} ms, ${found} found`);

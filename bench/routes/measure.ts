import { Buffer } from 'node:buffer';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { requestOut } from '../../src/http1/request-out.ts';
import { HeadFacts } from '../../src/proxy/head-facts.ts';
import { compile, type Router } from '../../src/route/compile.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { median, ratio } from '../lib/statistics.ts';

/** How the routes of a config tell requests apart. */
export interface RouteShape {
  readonly name: string;
  readonly about: string;
  /** The match of route `index`. */
  readonly match: (index: number) => MatchConfig;
  /** The host and the path of a request that route `index` takes, and no other. */
  readonly request: (index: number) => readonly [host: string, path: string];
}

/** Configs as people have them: by tenant, by service, and by both. */
export const shapes: readonly RouteShape[] = [
  {
    name: 'hosts',
    about: 'a host for each route',
    match: (i) => ({ host: [`tenant-${i}.example.com`] }),
    request: (i) => [`tenant-${i}.example.com`, '/v1/orders/1234'],
  },
  {
    name: 'prefixes',
    about: 'a path prefix for each route, all on one host',
    match: (i) => ({ path: [`/service-${i}/*`] }),
    request: (i) => ['api.example.com', `/service-${i}/v1/orders/1234`],
  },
  {
    name: 'hosts and prefixes',
    about: 'two path prefixes for each host',
    match: (i) => ({ host: [`tenant-${i >> 1}.example.com`], path: [`/part-${i % 2}/*`] }),
    request: (i) => [`tenant-${i >> 1}.example.com`, `/part-${i % 2}/v1/orders/1234`],
  },
];

/** What a request costs with few routes and with many, in nanoseconds of CPU, and how the two compare. */
export interface RouteCost {
  readonly shape: string;
  readonly few: number;
  readonly many: number;
  readonly ratio: number;
  /** What it costs with many routes when every request takes another of them. */
  readonly scattered: number;
  /** What of that the router takes. */
  readonly router: { readonly few: number; readonly many: number; readonly scattered: number };
}

/** How much is measured. */
export interface RouteRun {
  readonly few: number;
  readonly many: number;
  readonly rounds: number;
  readonly requests: number;
}

/** Routes that are asked for in turn where every request is to take another: far more than a cache of the machine holds. */
const SCATTERED = 1000;

/** One config under load: what a worker does with a request between its socket and that of a backend. */
class Lane {
  readonly #router: Router<number>;
  readonly #heads: readonly Buffer[];
  readonly #head = new RequestHead();
  readonly #facts = new HeadFacts(this.#head);
  readonly #forwarded = {
    peer: '192.0.2.7',
    proto: 'http',
    trusted: false,
    makeId: () => '0123456789abcdef00000000',
    localAuthority: () => '127.0.0.1:80',
    continued: false,
    rewrite: undefined,
    edit: undefined,
    lines: '',
  } as const;

  /** The requests are for `taken` of the routes, spread evenly over the file. */
  constructor(shape: RouteShape, routes: number, taken: number) {
    const rules = Array.from({ length: routes }, (_, i) => ({ name: `route-${i}`, match: shape.match(i), payload: i }));
    this.#router = compile([...rules, { name: 'rest', match: {}, payload: -1 }]);
    this.#heads = Array.from({ length: taken }, (_, i) => {
      // Neighbours are no neighbours in the file: the last host seen is known again, which few routes must not gain by.
      const [host, path] = shape.request(Math.floor((((i * 7) % taken) * routes) / taken));
      return Buffer.from(
        `GET ${path}?page=2 HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n` +
          'Accept-Encoding: gzip, br\r\nCookie: session=0123456789abcdef; theme=dark\r\n\r\n',
      );
    });
    for (const bytes of this.#heads) {
      this.#parse(bytes);
      if (this.#route() < 0) throw new Error(`no route took ${this.#head.originTarget}`);
    }
  }

  #parse(bytes: Buffer): void {
    parseRequestHead(this.#head, bytes, { start: 0, end: bytes.length }, 16_384);
  }

  #route(): number {
    return this.#router.route(this.#facts.load('192.0.2.7'))!.payload;
  }

  /** Nanoseconds of CPU per request, with routing or without. */
  measure(requests: number, withRouting: boolean): number {
    const start = process.threadCpuUsage();
    let bytes = 0;
    for (let i = 0; i < requests; i++) {
      this.#parse(this.#heads[i % this.#heads.length]!);
      if (withRouting) bytes += this.#route();
      bytes += requestOut(this.#head, this.#forwarded).text.length;
    }
    const { user, system } = process.threadCpuUsage(start);
    if (bytes === 0) throw new Error('nothing was done');
    return ((user + system) * 1000) / requests;
  }
}

/**
 * Measures one shape: the configs take short turns, so that what disturbs the machine disturbs all, and are compared
 * round by round. Few and many routes get requests for equally many of them, or the caches of the machine would be
 * compared as well. What the router costs by itself is the difference to the same work without it.
 */
export function measureShape(shape: RouteShape, run: RouteRun): RouteCost {
  const lanes = [
    new Lane(shape, run.few, run.few),
    new Lane(shape, run.many, run.few),
    new Lane(shape, run.many, Math.min(run.many, SCATTERED)),
  ];
  const seen: number[][] = [[], [], [], []];
  for (let round = -1; round < run.rounds; round++) {
    const costs = lanes.map((lane) => lane.measure(run.requests, true));
    costs.push(lanes[0]!.measure(run.requests, false));
    // The first round is for the compiler.
    if (round >= 0) for (const [i, cost] of costs.entries()) seen[i]!.push(cost);
  }
  const [few = 0, many = 0, scattered = 0, bare = 0] = seen.map(median);
  const ratios = seen[1]!.map((cost, i) => ratio(cost, seen[0]![i]));
  const router = { few: few - bare, many: many - bare, scattered: scattered - bare };
  return { shape: shape.name, few, many, ratio: median(ratios), scattered, router };
}

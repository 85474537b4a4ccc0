import { isIP } from 'node:net';
import { z } from 'zod';
import { type Address, formatAddress, isWildcard } from '../support/address.ts';
import { type NamedPlace, namedPlace } from './patterns.ts';
import { expectedAnswer, payload, payloadBytes } from './payload.ts';
import { Refusal, scalar } from './scalar.ts';
import {
  backendAddress,
  choice,
  duration,
  flag,
  integer,
  matching,
  name,
  percent,
  regexProblem,
  text,
} from './scalars.ts';
import { mostConnections } from './schema-listener.ts';
import { largestWeight } from './schema-route.ts';
import { connectTlsSchema } from './schema-tls.ts';

/** The names that `balance` takes. */
export const algorithms = [
  'round-robin',
  'least-connections',
  'random',
  'p2c',
  'peak-ewma',
  'prequal',
  'hash',
  'maglev',
] as const;

/** Those that go by a key. */
export const keyedAlgorithms = ['hash', 'maglev'] as const;

const algorithm = () => choice(algorithms);

/** What `hash` and `maglev` hash. */
export type HashKey = { kind: 'source' } | { kind: 'uri' } | NamedPlace;

const hashKey = scalar<string, HashKey>({
  title: 'hash key',
  expected: 'source, uri, header:NAME or cookie:NAME',
  json: { type: 'string', pattern: '^(source|uri|(header|cookie):.+)$' },
  parse(written) {
    if (written === 'source' || written === 'uri') return { kind: written };
    const place = namedPlace(String(written));
    if (place === undefined) return new Refusal();
    return place.kind === 'header' ? { ...place, name: place.name.toLowerCase() } : place;
  },
});

const loadFactor = scalar<string | number, number>({
  title: 'load factor',
  expected: 'a number from 1 to 10 such as 1.25, or 0',
  json: { anyOf: [{ const: 0 }, { type: 'number', minimum: 1, maximum: 10 }] },
  parse(written) {
    const factor = Number(written);
    return factor === 0 || (factor >= 1 && factor <= 10) ? factor : new Refusal();
  },
});

const balanceSchema = z
  .union([
    algorithm(),
    z.strictObject({
      algorithm: algorithm().describe('How backends are picked.'),
      key: hashKey
        .prefault('source')
        .describe('What `hash` and `maglev` hash: requests that are alike in it go to the same backend.'),
      loadFactor: loadFactor
        .prefault(1.25)
        .describe('With `maglev`: how many times its share of the leases a backend may hold; 0 for no bound.'),
    }),
  ])
  .transform((written) =>
    typeof written === 'string'
      ? { algorithm: written, key: { kind: 'source' } as HashKey, loadFactor: 1.25 }
      : written,
  )
  .describe('How backends are picked: the name of an algorithm, or an object with its settings.');

const fullBackend = z.strictObject({
  name: name().optional().describe('Id of the backend. Default: its address.'),
  address: backendAddress().describe('Where the backend is: `host:port`, `[ipv6]:port` or `unix:/path`.'),
  weight: integer(0, largestWeight)
    .prefault(1)
    .describe('Share of the load, in relation to the other weights; 0 for none.'),
  maxConnections: integer(0, mostConnections)
    .prefault(0)
    .describe('Leases at a time over all workers; 0 for no limit.'),
  backup: flag()
    .prefault(false)
    .describe('Used only while no other backend of the pool can be, and for what those have failed.'),
});

/** One address of a pool, after defaults. */
export interface BackendConfig {
  id: string;
  address: Address;
  weight: number;
  /** Leases at a time over all workers; 0 for no limit. */
  maxConnections: number;
  /** Used only while no other can be, and for what those have failed. */
  backup: boolean;
}

/** A backend as it stands in a pool. */
export const backendSchema = z
  .union([backendAddress(), fullBackend])
  .transform((written): BackendConfig => {
    if ('kind' in written) {
      return { id: formatAddress(written), address: written, weight: 1, maxConnections: 0, backup: false };
    }
    const { name: id = formatAddress(written.address), ...rest } = written;
    return { id, ...rest };
  })
  .describe('A backend: its address, or an object with its settings.');

const statusRanges = scalar<string | number, [number, number][]>({
  title: 'status codes',
  expected: 'status codes such as 200, 200-399 or 200,204,300-399',
  json: { anyOf: [{ type: 'string', pattern: '^\\d{3}(-\\d{3})?( *, *\\d{3}(-\\d{3})?)*$' }, { type: 'integer' }] },
  parse(written) {
    const ranges: [number, number][] = [];
    for (const part of String(written).split(',')) {
      const ends = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(part.trim());
      if (!ends) return new Refusal();
      const range: [number, number] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
      if (range[0] > range[1]) return new Refusal(`${part.trim()} runs backwards`);
      ranges.push(range);
    }
    return ranges;
  },
});

const probeBody = text({
  title: 'text or ~regex',
  expected: 'text that the body contains, or ~regular-expression',
  check: (written) => (written.startsWith('~') ? regexProblem(written.slice(1)) : undefined),
});

/** The keys of `health` that only `type: http` has. */
export const httpHealthKeys = ['path', 'status', 'body'] as const;

/** Those that only `type: udp` has. */
export const udpHealthKeys = ['send', 'expect'] as const;

/** Those `health` of pools that do not say a type. */
export const assumedHealth = new WeakSet<HealthConfig>();

const agentSchema = z
  .strictObject({
    port: integer(1, 65_535).describe('Port of the agent, on the host of the backend.'),
    interval: duration().prefault('2s').describe('Between two questions.'),
    timeout: duration().prefault('1s').describe('For one answer.'),
    send: payload
      .prefault('')
      .transform(payloadBytes)
      .describe('What is sent first, as text with `\\n`, `\\r`, `\\t`, `\\0`, `\\\\` and `\\xHH` for other bytes.'),
  })
  .describe(
    "An agent beside each backend that says, in the words of HAProxy's agent-check, whether and how much it is to be given.",
  );

/** How the agents of backends are asked; times in ms. */
export type AgentConfig = z.output<typeof agentSchema>;

const healthSchema = z
  .strictObject({
    type: choice(['tcp', 'http', 'grpc', 'udp', 'off'])
      .optional()
      .describe(
        'How a backend is probed: `tcp` connects, `http` sends a GET, `grpc` asks the health service (grpc.health.v1), `udp` sends a datagram, `off` takes it to be up. Default: `tcp`, and `off` in a pool that only udp listeners use.',
      ),
    path: matching('request target', /^\/[\x21-\x7e]*$/, 'a path such as /healthz')
      .prefault('/')
      .describe('With `http`: what is asked for.'),
    status: statusRanges.prefault('200-399').describe('With `http`: status codes that count as well.'),
    body: probeBody
      .prefault('')
      .describe('With `http`: text that the body must contain, or `~` and a regular expression.'),
    send: payload
      .optional()
      .describe(
        'With `udp`: the datagram to send, as text with `\\n`, `\\r`, `\\t`, `\\0`, `\\\\` and `\\xHH` for other bytes.',
      ),
    expect: expectedAnswer
      .prefault('')
      .describe('With `udp`: what the answer must contain, written as `send`, or `~` and a regular expression.'),
    interval: duration().prefault('2s').describe('Between the starts of two probes of a backend.'),
    timeout: duration().prefault('1s').describe('For one probe.'),
    rise: integer(1, 100).prefault(2).describe('Good probes in a row that bring a backend up again.'),
    fall: integer(1, 100).prefault(3).describe('Bad probes in a row that take a backend down.'),
    port: integer(0, 65_535).prefault(0).describe("Port to probe; 0 is the backend's own."),
    agent: agentSchema.optional(),
  })
  .transform(({ type, path, status, body, send, expect, agent, ...written }): HealthConfig => {
    const asked = agent === undefined ? {} : { agent };
    const timing = { ...written, ...asked };
    if (type === 'off') return { type, ...asked };
    if (type === undefined) {
      const health: HealthConfig = { type: 'tcp', ...timing };
      assumedHealth.add(health);
      return health;
    }
    if (type === 'udp') {
      const answer = expect.startsWith('~') ? expect : payloadBytes(expect);
      return { type, send: payloadBytes(send ?? ''), expect: answer, ...timing };
    }
    return type === 'http' ? { type, path, status, body, ...timing } : { type, ...timing };
  })
  .describe('How backends are probed, beside what traffic itself shows.');

/** The same health policy without probes. */
export function withoutProbes({ agent }: HealthConfig): HealthConfig {
  return agent === undefined ? { type: 'off' } : { type: 'off', agent };
}

/** When probes are made, and how many decide; times in ms. */
export interface HealthTiming {
  interval: number;
  timeout: number;
  rise: number;
  fall: number;
  port: number;
}

/** How backends are probed; `interval` and `timeout` in ms, `status` as inclusive ranges, `port` 0 for their own. */
export type HealthConfig = { agent?: AgentConfig } & (
  | ({ type: 'tcp' | 'grpc' } & HealthTiming)
  | ({ type: 'http'; path: string; status: [number, number][]; body: string } & HealthTiming)
  | ({ type: 'udp'; send: string; expect: string } & HealthTiming)
  | { type: 'off' }
);

const proxyVersion = scalar<string | false, 'off' | 'v1' | 'v2'>({
  title: 'version of the PROXY protocol',
  expected: 'off, v1 or v2',
  json: { enum: ['off', 'v1', 'v2', false] },
  parse(written) {
    if (written === false || written === 'false') return 'off';
    return (['off', 'v1', 'v2'] as const).find((version) => version === written) ?? new Refusal();
  },
});

const localAddress = text({
  title: 'IP address',
  expected: 'an IP address of this machine',
  check: (written) => (written === '' || isIP(written) !== 0 ? undefined : new Refusal()),
}).transform((written) => (isWildcard(written) ? '' : written));

/** A pool: backends that share one way of balancing, probing and connecting. */
export const poolSchema = z
  .strictObject({
    balance: balanceSchema.prefault('round-robin'),
    backends: z.array(backendSchema).min(1).describe('The backends. At least one.'),
    health: healthSchema.prefault({}),
    eject: z
      .strictObject({
        failures: integer(0, 1_000_000)
          .prefault(5)
          .describe('Failures in a row (connect, reset, timeout, 502–504) that eject a backend; 0 turns it off.'),
        failureRate: percent()
          .prefault('0%')
          .describe('Share of at least 20 requests that fail, at which a backend is ejected; 0% turns it off.'),
        latency: integer(0, 1000)
          .prefault(0)
          .describe(
            'How many times the median latency of the others ejects a backend that is slower by 10 ms or more; 0 turns it off.',
          ),
        for: duration()
          .prefault('10s')
          .describe(
            'How long an ejected backend gets nothing, the first time; each further time it is longer by this.',
          ),
        max: percent()
          .prefault('50%')
          .describe('Share of the pool that may be ejected at a time; never the last backend.'),
      })
      .prefault({})
      .describe('Taking a backend out for what traffic shows.'),
    slowStart: duration({ min: 0 })
      .prefault('0s')
      .describe(
        'How long the weight of a backend that has recovered, or is new to a pool that is there, takes to grow from a tenth to all of it; 0s for at once.',
      ),
    queue: z
      .strictObject({
        max: integer(0, 1_000_000)
          .prefault(0)
          .describe('Requests and connections that may wait, over all workers; 0 for none.'),
        timeout: duration({ min: 0 })
          .prefault('1s')
          .describe('How long one waits at most; 0 for no limit but the timeout of its route.'),
      })
      .prefault({})
      .describe('Waiting for a free place when every backend is at its `maxConnections`, instead of an error at once.'),
    panic: percent()
      .prefault('0%')
      .describe('Below this share of backends that are well, all are used, whatever their health.'),
    connect: z
      .strictObject({
        timeout: duration().prefault('2s').describe('For one connection to be made.'),
        tls: connectTlsSchema,
        proxyProtocol: proxyVersion
          .prefault('off')
          .describe(
            'The header of the PROXY protocol that tells backends of their client: `v1`, `v2` or `off`. With it HTTP connections are not kept between requests.',
          ),
        http2: flag()
          .prefault(false)
          .describe(
            'Whether backends are spoken to over HTTP/2: over TLS they must agree to it (ALPN), in the clear they must know it beforehand. Only for pools of http listeners.',
          ),
        local: localAddress
          .prefault('0.0.0.0')
          .describe('Address of this machine that connections and health checks come from; 0.0.0.0 for any.'),
      })
      .prefault({})
      .describe('How connections to backends are made.'),
    keepAlive: z
      .strictObject({
        max: integer(0, 65_536).prefault(256).describe('Idle connections kept per backend per worker; 0 for none.'),
        idle: duration().prefault('30s').describe('How long an idle connection is kept.'),
      })
      .prefault({})
      .describe('Connections kept open between HTTP requests.'),
  })
  .describe('A pool of backends.');

/** A pool after defaults; durations in ms, shares as fractions. */
export type PoolConfig = z.output<typeof poolSchema>;

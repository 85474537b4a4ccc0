import { z } from 'zod';
import { oneOrList } from './scalar.ts';
import { bindAddress, bytes, choice, cidr, duration, flag, integer, poolName, rateOrNone } from './scalars.ts';
import { type RouteConfig, routeSchema } from './schema-route.ts';
import { tcpRouteSchema } from './schema-tcp-route.ts';
import { listenerTlsSchema } from './schema-tls.ts';
import { guardSchema } from './schema-traffic.ts';

const largestHeadBytes = 1024 ** 2;
const smallestHeadBytes = 1024;
/** The most connections that a limit can name. */
export const mostConnections = 10_000_000;

const bind = oneOrList(bindAddress()).describe(
  'Where to listen: `:port` (all interfaces, IPv4 and IPv6), `host:port`, `[ipv6]:port` or `unix:/path`. One or a list. Port 0 takes any free port.',
);

const proxyProtocol = flag()
  .prefault(false)
  .describe(
    'Whether every connection begins with a header of the PROXY protocol, version 1 or 2, that names the client. One without it is refused.',
  );

const connections = integer(0, mostConnections).prefault(10_000);

/** `allow` and `deny` of a listener. */
const sources = {
  allow: z
    .array(cidr())
    .prefault([])
    .describe('Clients (CIDR ranges or single addresses) that are let in. When there are any, all others are refused.'),
  deny: z.array(cidr()).prefault([]).describe('Clients that are refused, also those that `allow` lets in.'),
};

/** What one client may use. */
const perIp = {
  connectionsPerIp: integer(0, mostConnections)
    .prefault(0)
    .describe('Connections at a time of one client: an IPv4 address, or a /64 of IPv6; 0 for no limit.'),
  connectionRatePerIp: rateOrNone()
    .prefault(0)
    .describe(
      'New connections of one client, such as `20/s`: so many at once, and after that at this rate; 0 for no limit.',
    ),
};

const httpTimeouts = z
  .strictObject({
    header: duration().prefault('10s').describe('For the whole head of a request, from its first byte.'),
    idle: duration().prefault('60s').describe('Between two requests on a connection, and for the first to begin.'),
    body: duration().prefault('30s').describe('Between two reads of a request body.'),
  })
  .describe('How long the listener waits for a client.');

const httpLimits = z
  .strictObject({
    connections: connections.describe('Connections at a time; 0 for no limit.'),
    headerBytes: bytes({ min: smallestHeadBytes, max: largestHeadBytes })
      .transform((size) => (size === 0 ? largestHeadBytes : size))
      .prefault('16KiB')
      .describe('Size of the head of a request, 1KiB to 1MiB; 0 is the most, 1MiB.'),
    bodyBytes: bytes().prefault(0).describe('Size of the body of a request; 0 for no limit.'),
    ...perIp,
  })
  .describe('What a client may use.');

const httpListener = z
  .strictObject({
    protocol: z.literal('http').describe('Protocol: HTTP/1.1 and WebSocket.'),
    bind,
    tls: listenerTlsSchema,
    proxyProtocol,
    trustProxies: z
      .array(cidr())
      .prefault([])
      .describe('Proxies (CIDR ranges or single addresses) whose X-Forwarded-* and X-Request-Id are believed.'),
    ...sources,
    guard: guardSchema,
    timeouts: httpTimeouts.prefault({}),
    limits: httpLimits.prefault({}),
    pool: poolName().optional().describe('Pool that takes every request: short for one route. Instead of routes.'),
    routes: z.array(routeSchema).min(1).optional().describe('Where requests go. The first route that matches wins.'),
  })
  .transform(({ pool, routes, ...listener }) => ({ ...listener, routes: named(routes ?? [routeTo(pool ?? '')]) }))
  .describe('A listener for HTTP.');

type Unnamed = z.output<typeof routeSchema>;

function routeTo(pool: string): Unnamed {
  return routeSchema.parse({ pool });
}

function named(routes: Unnamed[]): RouteConfig[] {
  return routes.map((route, index) => ({ ...route, name: route.name ?? `route-${index + 1}` }));
}

const tcpListener = z
  .strictObject({
    protocol: z.literal('tcp').describe('Protocol: any, over TCP; bytes are passed on as they are.'),
    bind,
    tls: listenerTlsSchema,
    proxyProtocol,
    dataplane: choice(['userspace'])
      .prefault('userspace')
      .describe('Where connections are relayed: `userspace`, in the workers.'),
    ...sources,
    guard: guardSchema,
    timeouts: z
      .strictObject({
        opening: duration()
          .prefault('10s')
          .describe(
            'For what comes before the relaying: a PROXY header, and a ClientHello when routes ask for it; a TLS handshake has 10 s of its own.',
          ),
        idle: duration().prefault('1h').describe('Without a byte in either direction.'),
        halfClose: duration().prefault('30s').describe('For the other direction, once one has ended.'),
      })
      .prefault({})
      .describe('How long the listener waits.'),
    limits: z
      .strictObject({ connections: connections.describe('Connections at a time; 0 for no limit.'), ...perIp })
      .prefault({})
      .describe('What clients may use.'),
    pool: poolName().optional().describe('Pool that takes every connection: short for one route. Instead of routes.'),
    routes: z
      .array(tcpRouteSchema)
      .min(1)
      .optional()
      .describe('Where connections go. The first route that fits wins; one that no route takes is refused.'),
  })
  .transform(({ pool, routes, dataplane: _onlyOne, ...listener }) => ({
    ...listener,
    routes: routes ?? [{ match: {}, pool: pool ?? '' }],
  }))
  .describe('A listener for TCP connections.');

const udpListener = z
  .strictObject({
    protocol: z.literal('udp').describe('Protocol: any, over UDP; datagrams are passed on as they are.'),
    bind: oneOrList(bindAddress()).describe(
      'Where to listen: `:port` (all interfaces, IPv4 and IPv6), `host:port` or `[ipv6]:port`. One or a list. Port 0 takes any free port.',
    ),
    ...sources,
    timeouts: z
      .strictObject({
        idle: duration({ min: 1 })
          .prefault('30s')
          .describe('How long a flow (the datagrams of one client address and port) lives without one either way.'),
      })
      .prefault({})
      .describe('How long the listener waits.'),
    limits: z
      .strictObject({
        connections: connections.describe(
          'Flows at a time; 0 for no limit. When there is no place, datagrams of new clients are dropped.',
        ),
      })
      .prefault({})
      .describe('What clients may use.'),
    pool: poolName().describe('Pool that takes the flows.'),
  })
  .transform((listener) => ({ ...listener, tls: undefined }))
  .describe('A listener for UDP datagrams.');

/** A listener of any protocol. */
export const listenerSchema = z.discriminatedUnion('protocol', [httpListener, tcpListener, udpListener]);

/** An HTTP listener after defaults; durations in ms, sizes in bytes, limits 0 for none. */
export type HttpListenerConfig = z.output<typeof httpListener>;
/** A TCP listener after defaults; durations in ms, limits 0 for none. */
export type TcpListenerConfig = z.output<typeof tcpListener>;
/** A listener after defaults. */
export type ListenerConfig = z.output<typeof listenerSchema>;

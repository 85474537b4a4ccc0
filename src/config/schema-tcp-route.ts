import { z } from 'zod';
import type { TcpMatch } from '../route/tcp-routes.ts';
import { oneOrList, Refusal } from './scalar.ts';
import { cidr, poolName, text } from './scalars.ts';

const serverName = text({
  title: 'host name',
  expected: 'a host name such as db.example.com, or *.example.com for all names below it',
  check: (written) =>
    /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(written) ? undefined : new Refusal(),
});

const protocol = text({
  title: 'protocol name',
  expected: 'the name of a protocol such as h2 or http/1.1',
  check: (written) => (/^[\x21-\x7e]{1,255}$/.test(written) ? undefined : new Refusal()),
});

/** A route of a tcp listener. */
export const tcpRouteSchema = z
  .strictObject({
    match: z
      .strictObject({
        sni: oneOrList(serverName)
          .optional()
          .describe('Host name that the client of TLS asks for: exact, or `*.example.com`. One or a list.'),
        alpn: oneOrList(protocol)
          .optional()
          .describe(
            'Protocol that the client of TLS offers (ALPN), such as `h2`. One or a list, of which any will do.',
          ),
        source: oneOrList(cidr()).optional().describe("CIDR range of the client's address. One or a list."),
      })
      .prefault({})
      .transform((match): TcpMatch => match)
      .describe('What must fit, all of it. What is read of TLS is the ClientHello; the TLS itself is passed on.'),
    pool: poolName().describe('Pool that takes the connections.'),
  })
  .describe('A route of a TCP listener.');

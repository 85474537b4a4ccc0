import type { Buffer } from 'node:buffer';
import type { Lease } from '../pool/lease.ts';
import { Tunnel, type TunnelEnd } from '../relay/tunnel.ts';
import type { Wire } from '../support/wire.ts';
import { type LoggedExchange, logRequest } from './request-log.ts';

/** Without a byte either way an upgraded connection lives this long, in ms: WebSockets are silent for long. */
const UPGRADED_IDLE_MS = 3_600_000;
/** Without a byte once one side has sent its FIN, in ms. */
const UPGRADED_HALF_CLOSE_MS = 30_000;

/** What an exchange hands over when the backend has answered 101. */
export interface UpgradedParts {
  readonly lease: Lease;
  readonly backend: Wire;
  /** Bytes of the new protocol that came behind the backend's 101. */
  readonly early: Buffer | undefined;
}

/** What a tunnel needs of the exchange it grew from. */
export interface UpgradedExchange extends LoggedExchange {
  readonly request: LoggedExchange['request'] & { bytesIn: number };
  bytesOut: number;
  /** Write to the client. */
  send(bytes: Buffer, start: number, end: number): boolean;
}

/** Turns an exchange into a tunnel (RFC 9110 §7.8): the client's and the backend's wires are joined, the lease lives on. */
export function startUpgraded(exchange: UpgradedExchange, { lease, backend, early }: UpgradedParts): void {
  const { client } = exchange;
  const { site } = client;
  const wires = { client: client.wire, backend };
  const timeouts = { idleMs: UPGRADED_IDLE_MS, halfCloseMs: UPGRADED_HALF_CLOSE_MS };
  const tunnel = new Tunnel(wires, site.deps.deadlines, timeouts, {
    onTunnelBytes(fromClient, bytes) {
      if (fromClient) {
        exchange.request.bytesIn += bytes;
        site.meters.bytesIn(bytes);
      } else {
        exchange.bytesOut += bytes;
        site.meters.bytesOut(bytes);
      }
    },
    onTunnelHalfClosed() {},
    onTunnelEnd(end: TunnelEnd) {
      lease.release('served');
      logRequest(exchange, 101, end === 'closed' ? 'served' : end);
      client.gone();
    },
  });
  const fromClient = client.becomeTunnel(tunnel);
  if (early !== undefined) exchange.send(early, 0, early.length);
  if (fromClient !== undefined) backend.send(fromClient, 0, fromClient.length);
  tunnel.start();
}

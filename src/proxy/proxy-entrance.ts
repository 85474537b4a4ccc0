import type { Buffer } from 'node:buffer';
import { type OpeningParse, type OpeningReader, readOpening } from '../accept/opening.ts';
import { parseProxyHeader } from '../accept/proxy-protocol.ts';
import type { TlsDoor } from '../accept/tls-door.ts';
import { wires } from '../support/open-wire.ts';
import type { Proxied } from '../support/proxied.ts';
import type { AcceptedSocket } from '../support/socket-handle.ts';
import type { Wire } from '../support/wire.ts';
import { presentAs } from './client-ends.ts';
import { type SourceGate, type SourceRefusal, sourceOf } from './source-gate.ts';
import type { EnteredSite, TlsEntrance } from './tls-entrance.ts';

/** A listener whose connections begin with a PROXY header. */
export interface ProxiedSite extends EnteredSite {
  readonly entrance: TlsEntrance;
  /** How long the header may take, in ms; 0 for no limit. */
  readonly openingMs: number;
  /** Undefined when nothing is asked of sources. */
  readonly gate: SourceGate | undefined;
  /** Undefined when nothing is held against sources. */
  readonly guard: { bars(source: string): boolean } | undefined;
  /** Ends a connection that is refused for its source; it has no place. */
  bar(wire: Wire, refusal: SourceRefusal): void;
}

/** Under which reason refusals are counted. */
const reasons = { malformed: 'proxy-header', timeout: 'proxy-timeout' } as const;

function parse(bytes: Buffer): OpeningParse<Proxied> {
  const parsed = parseProxyHeader(bytes);
  if (parsed.state === 'more') return undefined;
  return parsed.state === 'refused' ? 'refused' : { value: parsed.proxied, end: parsed.end };
}

/**
 * Takes an accepted handle through its PROXY header, then through TLS where the listener has it. Connections take their
 * place before they are read. One without a proper header is reset, since nothing that it says can be believed.
 */
export function enterProxied(site: ProxiedSite, handle: AcceptedSocket, door: TlsDoor | undefined): void {
  const accepted = wires.accepted(handle);
  if (!site.admit()) return accepted.reset();
  const arrival = site.arrivals.add(sourceOf(handle), accepted);
  arrival.isSender = true;
  const reader: OpeningReader<Proxied> = {
    deadlines: site.deps.deadlines,
    limitMs: site.openingMs,
    parse,
    onOpening(wire, proxied, rest) {
      const source = proxied.ends?.sourceAddress ?? wire.remoteAddress ?? '';
      if (site.guard?.bars(source) === true) {
        site.meters.refused('banned');
        arrival.left();
        return wire.reset();
      }
      const refusal = site.gate?.enter(source, handle);
      if (refusal !== undefined) {
        arrival.left();
        return site.bar(wire, refusal);
      }
      arrival.isOf(source);
      if (door !== undefined) {
        return door.admit(handle, site.entrance.keeperFor(arrival, proxied), { wire, early: rest });
      }
      presentAs(wire, proxied);
      site.begin(wire, arrival, rest);
    },
    onFailure(wire, failure) {
      if (failure !== 'left') site.refused(reasons[failure], arrival.source);
      wire.reset();
      arrival.left();
    },
  };
  readOpening(accepted, reader);
}

import { Buffer } from 'node:buffer';
import { type ClientHello, parseClientHello } from '../accept/client-hello.ts';
import { type OpeningParse, type OpeningReader, readOpening } from '../accept/opening.ts';
import type { Deadlines } from '../support/deadlines.ts';
import type { Wire } from '../support/wire.ts';

/** A fatal alert, in a record of TLS 1.0 as a client takes it before a version is settled (RFC 8446 §5.1 and §6). */
function alert(description: number): Buffer {
  return Buffer.from([21, 3, 1, 0, 2, 2, description]);
}

const NOTHING = Buffer.alloc(0);
const DECODE_ERROR = alert(50);
const UNRECOGNIZED_NAME = alert(112);

/** Who reads the ClientHello of its connections. */
export interface HelloReader {
  readonly deadlines: Deadlines;
  /** In ms; 0 for no limit. */
  readonly limitMs: number;
  /** `hello` is undefined for what is not TLS. All that was read is in `early`. */
  onHello(wire: Wire, hello: ClientHello | undefined, early: Buffer): void;
  /** The connection is over, or was ended; `reason` is undefined when the client left. */
  onNoHello(reason: 'tls-hello' | 'tls-timeout' | undefined): void;
}

function parse(bytes: Buffer): OpeningParse<ClientHello | undefined> {
  const parsed = parseClientHello(bytes);
  if (parsed === 'more') return undefined;
  if (parsed === 'malformed') return 'refused';
  return { value: parsed === 'plain' ? undefined : parsed, end: 0 };
}

/**
 * Reads the ClientHello at the start of a connection without ending its TLS; `early` is what was read before. A client that
 * says nothing within the time limit, or ends what it has to say at once, speaks a protocol in which the server begins: it is
 * taken for one without TLS.
 */
export function readHello(wire: Wire, reader: HelloReader, early: Buffer | undefined): void {
  const opening: OpeningReader<ClientHello | undefined> = {
    deadlines: reader.deadlines,
    limitMs: reader.limitMs,
    parse,
    onOpening: (opened, hello, all) => reader.onHello(opened, hello, all),
    onSilence: (silent) => reader.onHello(silent, undefined, NOTHING),
    onFailure(failed, failure) {
      if (failure === 'malformed') refuse(failed, DECODE_ERROR);
      else failed.reset();
      reader.onNoHello(failure === 'left' ? undefined : failure === 'malformed' ? 'tls-hello' : 'tls-timeout');
    },
  };
  readOpening(wire, opening, early);
}

/** Turns a connection away that no route takes: a client of TLS is told why by an alert, any other is reset. */
export function refuseUnrouted(wire: Wire, hello: ClientHello | undefined): void {
  if (hello === undefined) wire.reset();
  else refuse(wire, UNRECOGNIZED_NAME);
}

function refuse(wire: Wire, bytes: Buffer): void {
  wire.send(bytes, 0, bytes.length);
  wire.end();
  wire.destroy();
}

import { refusesHandshake } from './tls-failure.ts';

/** Hears what comes first behind a handshake that is done here, and that the other side may still refuse. */
export interface HandshakeWatch {
  /** The other side goes on. */
  onHeard(): void;
  /** It refuses; returns what is to be told of it. */
  onRefused(refusal: NodeJS.ErrnoException): NodeJS.ErrnoException;
}

/** A wire whose handshake is done, as far as its watch goes. */
interface Watched {
  watch: HandshakeWatch | undefined;
}

/** What is to be told of an error: the watch, if there is one, hears of a refusal, and has the say on it. */
export function toldOf(wire: Watched, error: Error): Error {
  const { watch } = wire;
  if (watch === undefined || !refusesHandshake(error)) return error;
  wire.watch = undefined;
  return watch.onRefused(error);
}

/** The other side has said something, if only that it keeps a session. */
export function heardFrom(wire: Watched): void {
  const { watch } = wire;
  wire.watch = undefined;
  watch?.onHeard();
}

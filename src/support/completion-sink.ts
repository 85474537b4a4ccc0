import type { Buffer } from 'node:buffer';

/** Hears of datagrams. None may throw. */
export interface DatagramSink {
  /** `bytes[0..length)` are a datagram with what RECVMSG puts before it, valid during the call; `more` is false when no more will come. */
  onDatagram(tag: number, bytes: Buffer, length: number, more: boolean): void;
  /** Receiving for `tag` is over, by a negative system error. */
  onDatagramEnd(tag: number, status: number): void;
  /** The datagram of this number was not sent, by a negative system error. */
  onDatagramUnsent(number: number, status: number): void;
  /** What was queued before the last of these calls has been told. */
  onTurnOver(): void;
}

/** Hears of what the kernel has done. None may throw. */
export interface CompletionSink extends DatagramSink {
  /** `bytes[0..length)` came for `tag`, valid during the call; `more` is false when no more will. */
  onReceived(tag: number, bytes: Buffer, length: number, more: boolean): void;
  /** Receiving for `tag` is over: 0 for a FIN, or a negative system error. */
  onReceiveEnd(tag: number, status: number): void;
  /** So many bytes were sent for `tag`, or a negative system error. */
  onSent(tag: number, status: number): void;
  /** `tag` is connected: 0, or a negative system error. */
  onConnected(tag: number, status: number): void;
  /** The descriptor of a socket that was accepted for `tag`, or a negative system error. */
  onAccepted(tag: number, status: number): void;
}

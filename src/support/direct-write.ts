/**
 * Writing text to a socket's handle without the machinery of node:stream in between, which costs more than the system
 * call's own entry: state machines, callbacks and a tick per write, of which a proxy needs none. The handle's methods are
 * not a public interface, so they are used only in the versions of Node they were tried in; elsewhere `write` of the
 * socket does the same, slower.
 */

/** A write that the kernel did not take at once; libuv sends the rest in order and then calls `oncomplete`. */
export interface PendingWrite {
  oncomplete: ((this: PendingWrite, status: number) => void) | undefined;
  /** Set when it was complete before `oncomplete` could be. */
  readonly writeStatus: number | null;
  /** Whom to tell. */
  owner: WriteOwner | undefined;
}

/** Hears when a pending write is over; `status` is negative when it failed. */
export interface WriteOwner {
  onWritten(status: number): void;
}

/** The part of a socket handle that is used here. */
export interface DirectHandle {
  /** 0 when all was taken, a negative system error, or the write that goes on by itself. */
  writeLatin1String(request: null, text: string): number | PendingWrite;
}

/** True where `writeLatin1String` is known to work as described. */
export const canWriteDirectly: boolean = isKnown(process.versions.node);

/** The interface took this form in the 26 line; a later line is not trusted before it was tried. */
export function isKnown(version: string): boolean {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  return major === 26 && minor >= 10;
}

function completed(this: PendingWrite, status: number): void {
  this.owner?.onWritten(status);
}

/** Writes latin1 text. Returns 0 when all was taken, 1 when the rest goes on and `owner` will hear, or a negative system error. */
export function writeDirectly(handle: DirectHandle, text: string, owner: WriteOwner): number {
  const result = handle.writeLatin1String(null, text);
  if (typeof result === 'number') return result;
  result.owner = owner;
  result.oncomplete = completed;
  if (result.writeStatus !== null) queueMicrotask(() => owner.onWritten(result.writeStatus!));
  return 1;
}

/** A wire that is closed. */
export interface ClosedWire {
  /** Lets its sink hear of it. */
  tellClosed(): void;
}

/** Wires whose sinks have not heard that they are closed: they do when the callback under way is over. */
let closed: ClosedWire[] = [];
/** A callback of a handle is under way, which will say when it is over. */
let inCallback = false;

function tellClosed(): void {
  while (closed.length > 0) {
    const wires = closed;
    closed = [];
    for (const wire of wires) wire.tellClosed();
  }
}

/** A callback of a handle begins; `callbackEnds` follows. */
export function callbackBegins(): void {
  inCallback = true;
}

/** It is over. */
export function callbackEnds(): void {
  if (closed.length > 0) tellClosed();
  inCallback = false;
}

/** Has a wire's sink told that it is closed: when the callback under way is over, else soon. */
export function toTellClosed(wire: ClosedWire): void {
  if (closed.push(wire) === 1 && !inCallback) process.nextTick(tellClosed);
}

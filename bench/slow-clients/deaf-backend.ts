import { listen } from '../../src/accept/listen.ts';
import { wires } from '../../src/support/open-wire.ts';

/** A backend that takes requests and never answers, so that nothing but a timer ends a slow body. Argument: its port. */
await listen({ host: '127.0.0.1', port: Number(process.argv[2]) }, false, {
  onHandle(handle) {
    const wire = wires.accepted(handle);
    wire.sink = { onConnect() {}, onBytes: () => true, onDrain() {}, onEnd: () => wire.destroy(), onClose() {} };
    wire.start();
  },
  onAcceptError() {},
});

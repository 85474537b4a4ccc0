import { listen } from '../../src/accept/listen.ts';
import { wires } from '../../src/support/open-wire.ts';
import { silentSink } from '../../src/support/wire.ts';

/** A backend that takes requests and never answers, so that nothing but a timer ends a slow body. Argument: its port. */
await listen({ host: '127.0.0.1', port: Number(process.argv[2]) }, false, {
  onHandle(handle) {
    const wire = wires.accepted(handle);
    wire.sink = { ...silentSink, onBytes: () => true, onEnd: () => wire.destroy() };
    wire.start();
  },
  onAcceptError() {},
});

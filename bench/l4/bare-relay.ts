import { Buffer } from 'node:buffer';
import { listen } from '../../src/accept/listen.ts';
import { latin1 } from '../../src/support/latin1.ts';
import type { PendingWrite, SocketHandle, UdpHandle } from '../../src/support/socket-handle.ts';
import { handleKit } from '../../src/support/socket-handle.ts';

/**
 * The least that a relay on Node can do: no pools, limits, timers, counts or log, and an error ends the pair. It shares
 * nothing with Fairlead but how it accepts and the handles of libuv, and shows what these and the kernel cost by themselves.
 *
 * Arguments: the TCP port, the UDP port, then the ports of the backends, in turn; all on 127.0.0.1.
 */
const [tcpPort, udpPort, ...backends] = process.argv.slice(2).map(Number) as [number, number, ...number[]];
const HOST = '127.0.0.1';
if (handleKit === undefined) throw new Error('the handles of this version of Node are not known');
const kit = handleKit;
const shared = Buffer.allocUnsafeSlow(65_536);
let turn = 0;
const nextBackend = (): number => backends[turn++ % backends.length]!;

interface End extends SocketHandle {
  other: End;
  ended: boolean;
  waiting: number;
}

function closeBoth(end: End): void {
  end.close();
  end.other.close();
}

function onRead(this: unknown): void {
  const from = this as End;
  const to = from.other;
  const length = kit.readResult();
  if (length > 0) write(from, to, length);
  else if (length === kit.eof) onEnd(from, to);
  else if (length < 0) closeBoth(from);
}

function write(from: End, to: End, length: number): void {
  const written =
    length <= 4096
      ? to.writeLatin1String(null, latin1(shared, 0, length))
      : to.writeBuffer(null, Buffer.from(shared.subarray(0, length)));
  if (typeof written === 'number') {
    if (written < 0) closeBoth(from);
    return;
  }
  to.waiting++;
  from.readStop();
  written.oncomplete = function done(this: PendingWrite) {
    if (--to.waiting === 0 && !from.ended) from.readStart();
  };
}

function onEnd(from: End, to: End): void {
  from.ended = true;
  if (to.ended) closeBoth(from);
  else to.shutdown(kit.newShutdown());
}

function join(client: End, backend: End): void {
  Object.assign(client, { other: backend, ended: false, waiting: 0 });
  Object.assign(backend, { other: client, ended: false, waiting: 0 });
  for (const end of [client, backend]) {
    end.onread = onRead;
    end.useUserBuffer(shared);
  }
}

function accept(client: End): void {
  const handle = kit.newTcp();
  const backend = handle as unknown as End;
  join(client, backend);
  handle.setNoDelay?.(true);
  const request = kit.newTcpConnect();
  request.oncomplete = (status) => {
    if (status === 0) client.readStart();
    else closeBoth(client);
  };
  handle.connect(request, HOST, nextBackend());
  handle.readStart();
}

const acceptor = { onHandle: (handle: object) => accept(handle as End), onAcceptError: () => {} };
await listen({ host: HOST, port: tcpPort }, true, acceptor);

const flows = new Map<string, UdpHandle>();
const one: [Buffer | undefined] = [undefined];
const request = kit.newSend();
const entrance = kit.newUdp();
entrance.bind(HOST, udpPort, 0);
entrance.onmessage = (_length, _handle, bytes, { address, port }) => {
  const key = `${address}:${port}`;
  let flow = flows.get(key);
  if (flow === undefined) {
    flow = kit.newUdp();
    flow.connect(HOST, nextBackend());
    flow.onmessage = (_size, _flow, answer) => {
      one[0] = answer;
      entrance.send(request, one, 1, port, address, false);
    };
    flow.recvStart();
    flows.set(key, flow);
  }
  one[0] = bytes;
  flow.send(request, one, 1, false);
};
entrance.recvStart();

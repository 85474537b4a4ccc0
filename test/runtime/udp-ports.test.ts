import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bound } from '../../src/accept/listen.ts';
import type { UdpTaker } from '../../src/proxy/udp-port.ts';
import type { UdpDoor, UdpFlow } from '../../src/proxy/udp-proxy.ts';
import { UdpPorts } from '../../src/runtime/udp-ports.ts';
import type { UdpSource } from '../../src/support/udp-wire.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

/** A listener that answers each datagram with its name and the datagram; its flows end when they are told to. */
class Naming implements UdpTaker {
  readonly #name: string;
  readonly #flows: (() => void)[] = [];
  begun = 0;

  constructor(name: string) {
    this.#name = name;
  }

  begin(door: UdpDoor, from: UdpSource): UdpFlow {
    const state = { door, from };
    const flow = {
      get from() {
        return state.from;
      },
      startedAt: performance.now(),
      moveTo: (to: UdpDoor, seenFrom: UdpSource) => Object.assign(state, { door: to, from: seenFrom }),
      fromClient: (datagram: Buffer) => state.door.answer(flow, Buffer.from(`${this.#name} ${datagram}`)),
    } as unknown as UdpFlow;
    this.#flows.push(() => state.door.forget(flow));
    this.begun++;
    return flow;
  }

  endFlows(): void {
    for (const end of this.#flows.splice(0)) end();
  }
}

/** The sockets of a machine that lists the addresses `here`, in which tests may change them, and may have others too. */
function machine(...here: string[]) {
  const clock = new FakeClock();
  const missing: string[] = [];
  const state = { tells: true, others: [] as string[] };
  const ports = new UdpPorts((listener, address, error) => missing.push(`${listener} ${address} ${error}`), {
    clock,
    localAddresses: () => (state.tells ? here : undefined),
    isHere: async (address) => [...here, ...state.others].includes(address),
  });
  /** Time passes until the addresses have been looked at, and a little more. */
  const look = async (): Promise<void> => {
    await clock.advance(5000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  /** Binds for a listener of that name, which has the sockets from now on unless it is `late`. */
  const open = async (host: string, port: number, { name = host, late = false } = {}) => {
    const site = new Naming(name);
    let now = late ? undefined : site;
    const to = { host, port };
    const plan = { key: name, listener: name, to, isUdp: true, shared: true };
    const bound: Bound = remember(await ports.open(plan, to, () => now));
    const come = (): void => {
      now = site;
    };
    return { bound, port: bound.port, site, come };
  };
  /** What a new client is answered, and from where. */
  const ask = async (host: string, port: number): Promise<string> => {
    const client = await openUdp();
    client.send(`${host}:${port}`, '?');
    const [answer] = await client.until(1);
    await client.close();
    return `${answer} from ${client.from[0]}`;
  };
  return { clock, here, missing, state, look, open, ask };
}

describe('a bind to all interfaces', () => {
  it.each(['0.0.0.0', '::'])('answers from the address that was asked, at %s', async (host) => {
    const { open, ask } = machine('127.0.0.2', '127.0.0.3', '192.0.2.1', '::1');
    const { port } = await open(host, 0, { name: 'dns' });
    for (const asked of ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
      expect(await ask(asked, port)).toBe(`dns ? from ${asked}:${port}`);
  });

  it('follows the addresses that the machine gets and loses', async () => {
    const { clock, here, look, open, ask } = machine('127.0.0.2');
    const { port } = await open('0.0.0.0', 0, { name: 'dns' });
    expect(await ask('127.0.0.3', port)).toBe(`dns ? from 127.0.0.1:${port}`);
    here.splice(0, 1, '127.0.0.3');
    await look();
    expect(await ask('127.0.0.3', port)).toBe(`dns ? from 127.0.0.3:${port}`);
    expect(clock.pending).toBe(1);
  });

  it('looks at once when a client is new at the socket for all, which goes on with its flow at the new address', async () => {
    const { here, open } = machine('127.0.0.2');
    const { port, site } = await open('::', 0, { name: 'dns' });
    here.push('127.0.0.3');
    const client = await openUdp();
    for (const text of ['1', '2', '3']) {
      client.send(`127.0.0.3:${port}`, text);
      await client.until(Number(text));
    }
    expect(client.from).toEqual(['1', '3', '3'].map((last) => `127.0.0.${last}:${port}`));
    expect(site.begun).toBe(1);
    const other = await openUdp();
    other.send(`127.0.0.3:${port}`, '?');
    await other.until(1);
    expect(site.begun).toBe(2);
  });

  it('keeps what it has when the system does not tell, or does not list an address that it has', async () => {
    const { here, state, look, open, ask } = machine('127.0.0.2', '127.0.0.3');
    const { port, site } = await open('0.0.0.0', 0, { name: 'dns' });
    const isAnsweredFrom = async (address: string): Promise<void> => {
      expect(await ask(address, port)).toBe(`dns ? from ${address}:${port}`);
      site.endFlows();
    };
    state.tells = false;
    await look();
    await isAnsweredFrom('127.0.0.2');
    state.tells = true;
    state.others = here.splice(0, 1);
    await look();
    await isAnsweredFrom('127.0.0.2');
    await isAnsweredFrom('127.0.0.3');
  });

  it('has sockets for some hundreds of addresses, and tells that there are more', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `127.0.${1 + (index >> 7)}.${1 + (index & 127)}`);
    const { missing, look, open, ask } = machine(...many);
    const { port } = await open('0.0.0.0', 0, { name: 'dns' });
    await look();
    expect(missing).toEqual([`dns ${many[256]} more than 256 addresses`]);
    expect(await ask(many[255]!, port)).toBe(`dns ? from ${many[255]}:${port}`);
  });

  it('tells once which address has no socket', async () => {
    const { missing, look, open } = machine('nowhere', '192.0.2.1');
    await open('::', 0, { name: 'dns' });
    await look();
    await look();
    expect(missing).toEqual(['dns nowhere EINVAL']);
  });

  it('keeps the socket of an address that is gone while it has flows', async () => {
    const { here, look, open, ask } = machine('127.0.0.2');
    const { port, site } = await open('0.0.0.0', 0, { name: 'dns' });
    await ask('127.0.0.2', port);
    here.pop();
    await look();
    expect(await ask('127.0.0.2', port)).toBe(`dns ? from 127.0.0.2:${port}`);
    site.endFlows();
    await look();
    expect(await ask('127.0.0.2', port)).toBe(`dns ? from 127.0.0.1:${port}`);
  });

  it('looks at the machine no more once it is closed', async () => {
    const { clock, look, open } = machine('127.0.0.2');
    const { bound } = await open('0.0.0.0', 0);
    bound.close();
    await look();
    expect(clock.pending).toBe(0);
    const again = await openUdp(undefined, { host: '127.0.0.2', port: bound.port });
    expect(again.address).toBe(`127.0.0.2:${bound.port}`);
  });

  it('leaves to another bind what is closer to that', async () => {
    const { open, ask } = machine('127.0.0.1', '127.0.0.2');
    const { port } = await open('::', 0, { name: 'all' });
    const four = await open('0.0.0.0', port, { name: 'four' });
    const one = await open('127.0.0.2', port, { name: 'one' });
    expect(await ask('127.0.0.2', port)).toBe(`one ? from 127.0.0.2:${port}`);
    expect(await ask('127.0.0.1', port)).toBe(`four ? from 127.0.0.1:${port}`);
    one.bound.close();
    expect(await ask('127.0.0.2', port)).toBe(`four ? from 127.0.0.2:${port}`);
    four.bound.close();
    expect(await ask('127.0.0.2', port)).toBe(`all ? from 127.0.0.2:${port}`);
  });

  it('serves at such an address until the other listener is there', async () => {
    const { open, ask } = machine('127.0.0.2');
    const { port } = await open('0.0.0.0', 0, { name: 'all' });
    const one = await open('127.0.0.2', port, { name: 'one', late: true });
    expect(await ask('127.0.0.2', port)).toBe(`all ? from 127.0.0.2:${port}`);
    one.come();
    expect(await ask('127.0.0.2', port)).toBe(`one ? from 127.0.0.2:${port}`);
  });

  it('takes over the socket of a closer one with its flows', async () => {
    const { open } = machine('127.0.0.2');
    const one = await open('127.0.0.2', 0, { name: 'one' });
    const client = await openUdp();
    client.send(`127.0.0.2:${one.port}`, '1');
    await client.until(1);
    await open('0.0.0.0', one.port, { name: 'all' });
    one.bound.close();
    client.send(`127.0.0.2:${one.port}`, '2');
    expect(await client.until(2)).toEqual(['one 1', 'one 2']);
    expect(new Set(client.from)).toEqual(new Set([`127.0.0.2:${one.port}`]));
  });
});

describe('a socket that stays for a flow', () => {
  it('serves new clients of a wider bind that comes later, at an address that is not listed too', async () => {
    const { open, ask } = machine('127.0.0.2');
    const one = await open('127.0.0.3', 0, { name: 'one' });
    const client = await openUdp();
    client.send(`127.0.0.3:${one.port}`, '1');
    await client.until(1);
    one.bound.close();
    const all = await open('0.0.0.0', one.port, { name: 'all' });
    expect(await ask('127.0.0.3', one.port)).toBe(`all ? from 127.0.0.3:${one.port}`);
    one.site.endFlows();
    all.site.endFlows();
    expect(await ask('127.0.0.3', one.port)).toBe(`all ? from 127.0.0.3:${one.port}`);
  });

  it('serves nobody who is new when there is no bind for it', async () => {
    const { open } = machine();
    const { bound, port } = await open('127.0.0.2', 0, { name: 'one' });
    const [client, stranger] = [await openUdp(), await openUdp()];
    client.send(`127.0.0.2:${port}`, '1');
    await client.until(1);
    bound.close();
    stranger.send(`127.0.0.2:${port}`, '2');
    client.send(`127.0.0.2:${port}`, '3');
    expect(await client.until(2)).toEqual(['one 1', 'one 3']);
    expect(stranger.got).toEqual([]);
  });
});

describe('a port', () => {
  it('is refused to a wider bind when another process has it at an address that is not ours yet', async () => {
    const { open, ask } = machine('127.0.0.1', '127.0.0.2');
    const { port } = await open('127.0.0.1', 0, { name: 'dns' });
    await openUdp(undefined, { host: '127.0.0.2', port, reusePort: true });
    await expect(open('0.0.0.0', port, { name: 'all' })).rejects.toThrow('another process listens there');
    expect(await ask('127.0.0.1', port)).toBe(`dns ? from 127.0.0.1:${port}`);
  });

  it('that the system chooses is free', async () => {
    const { open } = machine();
    const ports = new Set<number>();
    for (let i = 0; i < 300; i++) ports.add((await open('127.0.0.1', 0, { name: `${i}` })).port);
    expect(ports.size).toBe(300);
  });

  it.each(['127.0.0.1', '0.0.0.0', '::'])('is refused at %s when another process has it', async (host) => {
    const { open } = machine('127.0.0.1');
    const other = await openUdp(undefined, { reusePort: true });
    const port = Number(other.address.split(':')[1]);
    await expect(open(host, port, { name: 'dns' })).rejects.toThrow(
      /^listener dns cannot listen on \S+: another process listens there/,
    );
  });

  it('is had by the name of an address, and not by a name that has none', async () => {
    const { open } = machine();
    const { port } = await open('localhost', 0, { name: 'dns' });
    expect(port).toBeGreaterThan(0);
    await expect(open('nowhere.invalid', 0, { name: 'dns' })).rejects.toThrow('that name has no address');
  });

  it('is free again when its last flow has ended', async () => {
    const { open, ask } = machine('127.0.0.2');
    const { bound, port, site } = await open('127.0.0.2', 0, { name: 'dns' });
    await ask('127.0.0.2', port);
    bound.close();
    await expect(openUdp(undefined, { host: '127.0.0.2', port })).rejects.toThrow('EADDRINUSE');
    site.endFlows();
    await openUdp(undefined, { host: '127.0.0.2', port });
  });
});

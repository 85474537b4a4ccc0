import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import { freePort } from '../support/kept-ports.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';

afterEach(closeOpened);

const example = (file: string) => fileURLToPath(new URL(`../../examples/chat/${file}`, import.meta.url));

/** A program of the example with a person before it, who types and reads. */
class Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  #shown = '';

  constructor(file: string, args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [example(file), ...args], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = once(this.child, 'close');
    for (const output of [this.child.stdout!, this.child.stderr!])
      output.on('data', (text) => {
        this.#shown += text;
      });
    // What is typed into a program that has just ended is lost, as in a terminal.
    this.child.stdin!.on('error', () => undefined);
    remember({ close: () => this.child.kill('SIGKILL') });
  }

  type(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** Waits until this was shown, and takes it and all before it off the screen. */
  async reads(what: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    await eventually(
      () => {
        found = what.exec(this.#shown);
        return found !== null;
      },
      `${what} among ${JSON.stringify(this.#shown)}`,
    );
    const match = found! as RegExpExecArray;
    this.#shown = this.#shown.slice(match.index + match[0].length);
    return match;
  }
}

const names = ['one', 'two', 'three'];

async function openRoom(name: string, port: number): Promise<Terminal> {
  const room = new Terminal('server.ts', [], { NAME: name, PORT: String(port) });
  await room.reads(new RegExp(`${name} is open on port ${port}\n`));
  return room;
}

/** The rooms, and Fairlead before them with the config of the example, but for the ports. */
async function openChat(): Promise<{ ports: number[]; rooms: Map<string, Terminal>; lb: RunningFairlead }> {
  const config = parse(await readFile(example('fairlead.yaml'), 'utf8')) as ConfigInput & {
    listeners: { chat: { bind: string } };
    pools: { rooms: { backends: { address: string }[] } };
  };
  config.listeners.chat.bind = '127.0.0.1:0';
  const ports: number[] = [];
  const rooms = new Map<string, Terminal>();
  for (const [index, name] of names.entries()) {
    ports.push(await freePort());
    rooms.set(name, await openRoom(name, ports[index]!));
    config.pools.rooms.backends[index]!.address = `127.0.0.1:${ports[index]}`;
  }
  return { ports, rooms, lb: await runFairlead(config) };
}

/** A person comes in; says which room it is. */
async function comeIn(lb: RunningFairlead): Promise<{ guest: Terminal; room: string; number: string }> {
  const guest = new Terminal('client.ts', [lb.address('chat').split(':')[1]!]);
  const [, room, number] = await guest.reads(/welcome to (\w+), you are guest (\d+)\n/);
  return { guest, room: room!, number: number! };
}

it('spreads guests over the rooms, and both sides write and read', async () => {
  const { rooms, lb } = await openChat();
  const first = [await comeIn(lb), await comeIn(lb), await comeIn(lb)];
  expect(first.map(({ room }) => room).toSorted()).toEqual(names.toSorted());
  const [ann] = first as [(typeof first)[0]];
  // The fourth shares a room with one of the first three; the fifth and sixth fill the other two.
  const second = [await comeIn(lb), await comeIn(lb), await comeIn(lb)];
  const bob = second.find(({ room }) => room === ann.room)!;
  const room = rooms.get(ann.room)!;
  ann.guest.type('hello, how are you?');
  await bob.guest.reads(new RegExp(`guest ${ann.number}: hello, how are you\\?\n`));
  await room.reads(new RegExp(`guest ${ann.number}: hello, how are you\\?\n`));
  bob.guest.type('fine');
  await ann.guest.reads(new RegExp(`guest ${bob.number}: fine\n`));
  room.type('the room greets you all');
  for (const { guest } of [ann, bob]) await guest.reads(new RegExp(`${ann.room}: the room greets you all\n`));
});

it('keeps the room when a guest goes, by Ctrl-D or killed, and the guest comes back', async () => {
  const { rooms, lb } = await openChat();
  const guests = [await comeIn(lb), await comeIn(lb), await comeIn(lb)];
  const [ann, bob] = guests as [(typeof guests)[0], (typeof guests)[0]];
  ann.guest.child.stdin!.end('bye\n');
  expect(await ann.guest.ended).toEqual([0, null]);
  await rooms.get(ann.room)!.reads(new RegExp(`guest ${ann.number}: bye\nguest ${ann.number} has gone\n`));
  bob.guest.child.kill('SIGKILL');
  await bob.guest.ended;
  await rooms.get(bob.room)!.reads(new RegExp(`guest ${bob.number} has gone\n`));
  // Both rooms are empty now, so that the next two come into them.
  const back = [await comeIn(lb), await comeIn(lb)];
  expect(back.map(({ room }) => room).toSorted()).toEqual([ann.room, bob.room].toSorted());
  for (const { guest, room, number } of back) {
    guest.type('here again');
    await rooms.get(room)!.reads(new RegExp(`guest ${number}: here again\n`));
  }
});

it('ends the guests of a room that closes, and they go on in another until it opens again', async () => {
  const { ports, rooms, lb } = await openChat();
  const guests = [await comeIn(lb), await comeIn(lb), await comeIn(lb)];
  const ann = guests.find(({ room }) => room === 'two')!;
  const closing = rooms.get('two')!;
  closing.child.kill('SIGINT');
  expect(await closing.ended).toEqual([0, null]);
  await ann.guest.reads(/the room has closed\n/);
  expect(await ann.guest.ended).toEqual([0, null]);
  // Nobody listens on the port any more, which costs the guest nothing but another dial.
  const again = await comeIn(lb);
  expect(again.room).not.toBe('two');
  again.guest.type('where were we?');
  await rooms.get(again.room)!.reads(new RegExp(`guest ${again.number}: where were we\\?\n`));
  const other = guests.find(({ room }) => room === again.room)!;
  await other.guest.reads(/where were we\?\n/);

  rooms.set('two', await openRoom('two', ports[1]!));
  await eventually(async () => (await comeIn(lb)).room === 'two', 'a guest in the room that is open again');
});

it('has the guests of a room that is killed go on in another, with what they typed meanwhile', async () => {
  const { ports, rooms, lb } = await openChat();
  const guests = [await comeIn(lb), await comeIn(lb), await comeIn(lb)];
  const ann = guests.find(({ room }) => room === 'two')!;
  rooms.get('two')!.child.kill('SIGKILL');
  await ann.guest.reads(/the connection broke: .*; again in 0\.\d s\n/);
  ann.guest.type('is anybody there?');
  const [, room, number] = await ann.guest.reads(/welcome to (one|three), you are guest (\d+)\n/);
  await rooms.get(room!)!.reads(new RegExp(`guest ${number}: is anybody there\\?\n`));

  // Nobody is there for a while: the balancer takes the connection and resets it.
  for (const name of ['one', 'three']) rooms.get(name)!.child.kill('SIGKILL');
  for (let tries = 0; tries < 2; tries++) await ann.guest.reads(/the connection broke: .*\n/);
  await Promise.all(names.map((name, index) => openRoom(name, ports[index]!)));
  await ann.guest.reads(/welcome to \w+, you are guest \d+\n/);
  ann.guest.child.stdin!.end('bye\n');
  expect(await ann.guest.ended).toEqual([0, null]);
});

it('keeps what is typed until there is a room that speaks', async () => {
  const heard: string[] = [];
  let isOpen = false;
  // A balancer without rooms accepts, and resets.
  const balancer = net.createServer((socket) => {
    socket.on('error', () => undefined);
    if (isOpen) socket.on('data', (text) => heard.push(`${text}`)).write('welcome\n');
    else setTimeout(() => socket.resetAndDestroy(), 100);
  });
  balancer.listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  remember({ close: () => balancer.close() });
  const guest = new Terminal('client.ts', [String((balancer.address() as net.AddressInfo).port)]);
  await guest.reads(/the connection broke/);
  guest.type('first');
  await guest.reads(/the connection broke/);
  guest.type('second');
  isOpen = true;
  await guest.reads(/welcome/);
  await eventually(() => heard.join('') === 'first\nsecond\n', 'all of it');
  guest.child.kill();
  await guest.ended;
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FuzzCase, fuzzCase } from './case.ts';
import { Lane, type Lanes, startLanes } from './lane.ts';
import { LaneBackend } from './lane-backend.ts';
import type { Stream } from './own.ts';
import { requestSeeds, responseSeeds } from './seeds.ts';
import { leftovers } from './settled.ts';
import { runWireCases, wireFault } from './wire-case.ts';

let running: Lanes;
beforeAll(async () => {
  running = await startLanes(8);
});
afterAll(() => running.close());

const inOne = (stream: Stream, text: string): FuzzCase => ({ stream, text, cuts: [text.length] });

/** Runs the cases through Fairlead and returns what went wrong, each fault with its case. */
async function faultsOf(cases: readonly FuzzCase[]): Promise<string[]> {
  const found: string[] = [];
  await runWireCases(running.lanes, cases.entries(), (index, fault) => {
    found.push(`${index}: ${fault} ${JSON.stringify(cases[index])}`);
  });
  return found;
}

describe('client, Fairlead and backend agree on every request and response', () => {
  it('of the tables', async () => {
    const requests = requestSeeds.map((text) => inOne('requests', text));
    const responses = ['GET', 'HEAD', 'POST'].flatMap((method) => responseSeeds.map((text) => inOne({ method }, text)));
    expect(await faultsOf([...requests, ...responses])).toEqual([]);
  });

  it('of mutations of them, and nothing is left behind', async () => {
    expect(await faultsOf(Array.from({ length: 600 }, (_, index) => fuzzCase(11, index)))).toEqual([]);
    expect(await leftovers(running.fairlead)).toBe('');
  });
});

describe('what looks at both sides', () => {
  const backend = new LaneBackend();
  let direct: Lane;
  beforeAll(async () => {
    // Nobody is between the two: whatever is refused or changed elsewhere comes through here.
    direct = new Lane(backend, Number((await backend.listen()).split(':')[1]), { patienceMs: 200 });
  });
  afterAll(() => backend.close());

  it.each([
    [
      'a request that is to be refused',
      'requests',
      'GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n',
      'no end within 200 ms',
    ],
    [
      'a field that ends here',
      'requests',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: X\r\nX: 1\r\n\r\n',
      'at the backend',
    ],
    ['a target that is to change', 'requests', 'GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n', 'at the backend'],
    ['an answer that is to be an error', { method: 'GET' }, 'HTTP/1.1 200 OK\r\nA : 1\r\n\r\n', 'refused'],
    [
      'an answer with something behind it',
      { method: 'GET' },
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext',
      'bytes behind',
    ],
    ['one that breaks off', { method: 'GET' }, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', 'not a reset'],
  ] as const)('sees %s', async (_name, stream, text, fault) => {
    expect(await wireFault(direct, inOne(stream, text))).toContain(fault);
  });
});

describe('npm run fuzz', () => {
  const run = (...options: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('./run.ts', import.meta.url)), ...options], {
      encoding: 'utf8',
    });

  it('says its seed, a line for each step, and what it found', () => {
    const { status, stdout, stderr } = run('--cases', '200', '--seed', '5', '--wire', '20', '--lanes', '2');
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining('seed 5\n200 cases of seed 5, 10 of them end to end'),
    ]);
    expect(stderr.trim().split('\n')).toHaveLength(20);
    expect(stderr).not.toContain('\r');
  });

  it('shows one case again', () => {
    const { status, stdout } = run('--seed', '5', '--case', '17', '--lanes', '1');
    expect(status).toBe(0);
    const shown = JSON.parse(stdout.slice(stdout.indexOf('{'), stdout.lastIndexOf('}') + 1)) as object;
    expect(shown).toEqual({ ...fuzzCase(5, 17), parser: '', wire: '' });
  });
});

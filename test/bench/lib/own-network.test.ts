import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readSendBuffer } from '../../../bench/lib/own-network.ts';
import { skipsWithout } from '../../support/needs.ts';
import { has } from '../../support/servers.ts';

const MODULE = new URL('../../../bench/lib/own-network.ts', import.meta.url).href;
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import { inOwnNetwork, readSendBuffer } from '${MODULE}';
  const code = await inOwnNetwork(98304);
  const devices = readFileSync('/proc/net/dev', 'utf8').match(/^ *[^ |]+(?=:)/gm).map((name) => name.trim());
  if (code === undefined) {
    console.log(JSON.stringify([readSendBuffer(), devices.filter((name) => name === 'lo')]));
    process.exitCode = 3;
  } else console.log('inner: ' + code);`;

const canMake = process.getuid?.() === 0 && has('unshare') && has('ip');

describe.skipIf(skipsWithout(canMake))('a network of its own', () => {
  it('has its own bound for send buffers, ends with the program, and leaves that of the machine', async () => {
    const before = readSendBuffer();
    const args = ['--input-type=module', '-e', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['[98304,["lo"]]', 'inner: 3']);
    expect(readSendBuffer()).toBe(before);
  });
});

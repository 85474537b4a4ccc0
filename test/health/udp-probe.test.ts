import { afterEach, describe, expect, it } from 'vitest';
import { LocalShortage } from '../../src/health/probe.ts';
import { UdpProbe } from '../../src/health/udp-probe.ts';
import { systemClock } from '../../src/support/clock.ts';
import { createResolver, lookupThrough } from '../../src/support/resolve.ts';
import { closeOpened } from '../support/opened.ts';
import { openUdp } from '../support/udp-peer.ts';
import { reasonOf, tcpAt } from './socket-backend.ts';

afterEach(closeOpened);

const deps = { lookup: lookupThrough(createResolver(systemClock)) };
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));

/** Probes a backend on a free port that answers so. */
async function probe(expected: string, answer: (text: string) => string[], signal = AbortSignal.timeout(5000)) {
  const backend = await openUdp((datagram) => answer(datagram.toString('latin1')));
  const check = new UdpProbe({ send: 'are you there?\0\xff', expect: expected }, deps);
  return { backend, done: check.check(tcpAt('127.0.0.1', portOf(backend.address)), signal) };
}

describe('a UDP probe', () => {
  it('sends its payload, byte for byte, and is content with any answer', async () => {
    const { backend, done } = await probe('', () => ['']);
    await done;
    expect(backend.got).toEqual(['are you there?\0\xff']);
  });

  it('wants the answer to contain a text', async () => {
    await (await probe('yes', () => ['oh yes!'])).done;
    const { done } = await probe('yes', () => ['no']);
    expect(await reasonOf(done)).toBe('the answer does not contain "yes"');
  });

  it('wants the answer to match an expression, over its bytes', async () => {
    await (await probe('~^no\\d+$', () => ['no12'])).done;
    const { done } = await probe('~^no\\d+$', () => ['no']);
    expect(await reasonOf(done)).toBe('the answer does not match ~^no\\d+$');
  });

  it('judges by the first answer', async () => {
    const { done } = await probe('yes', () => ['no', 'yes']);
    expect(await reasonOf(done)).toContain('does not contain');
  });

  it('ends with the signal when nothing comes', async () => {
    const end = new AbortController();
    const { backend, done } = await probe('', () => [], end.signal);
    const reason = reasonOf(done);
    await backend.until(1);
    end.abort(new Error('no time left'));
    expect(await reason).toBe('no time left');
    expect(await reasonOf(new UdpProbe({ send: 'a', expect: '' }, deps).check(tcpAt('127.0.0.1', 1), end.signal))).toBe(
      'no time left',
    );
  });

  it('hears at once that nobody listens, and that there is no UDP on a Unix socket', async () => {
    const backend = await openUdp();
    await backend.close();
    const check = new UdpProbe({ send: 'a', expect: '' }, deps);
    const signal = AbortSignal.timeout(5000);
    const refused = check.check(tcpAt('127.0.0.1', portOf(backend.address)), signal);
    await expect(refused).rejects.not.toBeInstanceOf(LocalShortage);
    expect(await reasonOf(refused)).toBe('connection refused');
    const unix = check.check({ address: { kind: 'unix', path: '/a' }, port: 0 }, signal);
    expect(await reasonOf(unix)).toBe('a Unix socket takes no UDP');
  });

  it('goes to the other port, by name, over IPv6', async () => {
    const backend = await openUdp(() => ['here'], { host: '::1' });
    const check = new UdpProbe({ send: 'a', expect: 'here' }, deps);
    const to = { address: { kind: 'tcp' as const, host: '::1', port: 1 }, port: portOf(backend.address) };
    await check.check(to, AbortSignal.timeout(5000));
    expect(backend.got).toEqual(['a']);
  });
});

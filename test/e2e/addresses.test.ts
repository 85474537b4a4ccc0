import { afterEach, describe, expect, it, vi } from 'vitest';
import { isRoot, Namespace } from '../support/namespace.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { dnsmasqArgs, has } from '../support/servers.ts';

afterEach(closeOpened);

/** A machine with addresses beside that of its loopback interface, with a DNS server behind Fairlead on port 53 of all. */
async function machine(...addresses: string[]) {
  const namespace = new Namespace();
  for (const address of addresses) namespace.addAddress(address);
  namespace.start('dnsmasq', dnsmasqArgs(5300, '/app.test/192.0.2.1'));
  await namespace.runFairlead({
    listeners: { dns: { protocol: 'udp', bind: ':53', pool: 'dns' } },
    pools: { dns: { backends: ['127.0.0.1:5300'], health: { type: 'off' } } },
  });
  /** dig takes no answer that comes from another address than it has asked. */
  const dig = async (address: string): Promise<string> => {
    const args = [`@${address}`, '+short', '+timeout=1', '+tries=1', 'app.test'];
    return (await namespace.run('dig', ...args).catch(({ stdout }: { stdout: string }) => ({ stdout }))).stdout.trim();
  };
  return { namespace, dig };
}

const here = isRoot && has('ip', 'dig', 'dnsmasq');

describe.skipIf(skipsWithout(here))('a udp listener on all interfaces', () => {
  it('answers dig from whatever address of the machine it asks, of IPv4 and IPv6', async () => {
    const { dig } = await machine('10.9.0.1/24', '10.9.0.2/24', 'fd09::1/64', 'fd09::2/64');
    for (const address of ['127.0.0.1', '10.9.0.1', '10.9.0.2', '::1', 'fd09::1', 'fd09::2'])
      expect(await dig(address), address).toBe('192.0.2.1');
  });

  it('answers from an address that the machine gets later', async () => {
    const { namespace, dig } = await machine('10.9.0.1/24');
    namespace.addAddress('10.9.0.2/24');
    await vi.waitFor(async () => expect(await dig('10.9.0.2')).toBe('192.0.2.1'), { timeout: 30_000 });
  });
});

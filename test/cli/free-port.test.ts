import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { portOrAny } from '../../src/cli/free-port.ts';

it('gives a port that nobody has, and 0 for one that is taken, also by somebody who shares it', async () => {
  for (const reusePort of [false, true]) {
    const owner = createServer().listen({ port: 0, host: '127.0.0.1', reusePort });
    await once(owner, 'listening');
    const { port } = owner.address() as AddressInfo;
    expect(await portOrAny(port)).toBe(0);
    owner.close();
    await once(owner, 'close');
    expect(await portOrAny(port)).toBe(port);
    expect(await portOrAny(port)).toBe(port);
  }
});

import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * The port when nobody listens on it at 127.0.0.1, otherwise 0, which lets the system choose. Found out by listening on
 * it for a moment without sharing it: workers share theirs, and so would take traffic from another Fairlead unnoticed.
 */
export async function portOrAny(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen({ port, host: '127.0.0.1' });
    await once(probe, 'listening');
  } catch {
    return 0;
  }
  probe.close();
  await once(probe, 'close');
  return port;
}

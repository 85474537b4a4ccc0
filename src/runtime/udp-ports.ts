import type { BindTarget } from '../accept/listen.ts';
import { UdpPort, type UdpTaker } from '../proxy/udp-port.ts';
import { bindError } from '../support/bind.ts';
import { showBind } from './bind-place.ts';
import type { BindPlan } from './messages.ts';

/** Opens the ports of udp listeners, and takes back those that were closed and are still bound for the flows they have. */
export class UdpPorts {
  /** By the key of their bind. */
  readonly #opened = new Map<string, UdpPort>();

  /** `siteNow` is that of `UdpPort.bind`. Rejects with a sentence that names the listener and the address. */
  async open(
    bind: BindPlan,
    { host, port }: Exclude<BindTarget, { path: string }>,
    siteNow: () => UdpTaker | undefined,
  ): Promise<UdpPort> {
    const { key, listener } = bind;
    const own = this.#opened.get(key);
    if (own?.reopen() === true) return own;
    try {
      const opened = await UdpPort.bind(host, port, siteNow);
      this.#opened.set(key, opened);
      return opened;
    } catch (error) {
      this.#opened.delete(key);
      throw bindError(`listener ${listener}`, showBind(bind), error as NodeJS.ErrnoException);
    }
  }
}

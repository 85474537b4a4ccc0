/** What is open, as far as it is printed: addresses as the config writes them, with the real ports. */
export interface OpenAddresses {
  readonly listeners: readonly {
    readonly name: string;
    readonly protocol: string;
    /** True where clients are to speak TLS. */
    readonly tls: boolean;
    readonly addresses: readonly string[];
  }[];
  readonly adminAddresses: readonly string[];
}

/** One line for each open address: `listening web http://127.0.0.1:8080`. */
export function listeningLines({ listeners, adminAddresses }: OpenAddresses): string {
  const admin = { name: 'admin', protocol: 'http', tls: false, addresses: adminAddresses };
  const lines = [...listeners, admin].flatMap((listener) =>
    listener.addresses.map((address) => `listening ${listener.name} ${urlOf(listener, address)}\n`),
  );
  return lines.join('');
}

/** An address one can ask: that of every interface is written with the name that this machine has for itself. */
export function urlOf(
  { protocol, tls }: { readonly protocol: string; readonly tls: boolean },
  address: string,
): string {
  if (address.startsWith('unix:')) return address;
  const scheme = tls ? secure(protocol) : protocol;
  const port = /^(?:\[::\]|0\.0\.0\.0)?:(\d+)$/.exec(address)?.[1];
  return port === undefined ? `${scheme}://${address}` : `${scheme}://localhost:${port} (every interface)`;
}

function secure(protocol: string): string {
  return protocol === 'http' ? 'https' : 'tls';
}

import tls, { type PeerCertificate, type SecureContext } from 'node:tls';

/** How connections to the backends of a pool are encrypted: plain data, the files read by the control plane. */
export interface ConnectTlsPlan {
  /** Changes with everything below, so that equal plans can be told without comparing them. */
  readonly id: string;
  /** Authorities in PEM that are trusted. */
  readonly ca: string;
  /** What is shown to the backend, in PEM; '' for nothing. */
  readonly cert: string;
  readonly key: string;
  /** The name that the certificate must be for, and that is asked for; '' for the host of the backend. */
  readonly serverName: string;
  readonly verify: boolean;
}

const contexts = new WeakMap<ConnectTlsPlan, SecureContext>();

/** What TLS connections by a plan are made with; made once for each, since reading the authorities takes a while. */
export function clientContext(plan: ConnectTlsPlan): SecureContext {
  let context = contexts.get(plan);
  if (context === undefined) {
    const { ca, cert, key } = plan;
    context = tls.createSecureContext({ ca, ...(cert === '' ? {} : { cert, key }) });
    contexts.set(plan, context);
  }
  return context;
}

/** The name a backend's certificate must be for, of a backend at `host`; that of a Unix socket has no host. */
export function serverNameOf(plan: ConnectTlsPlan, host: string | undefined): string {
  return plan.serverName || host || 'localhost';
}

/** What is wrong with a certificate's names, or nothing. */
export function nameProblem(name: string, certificate: PeerCertificate): NodeJS.ErrnoException | undefined {
  return tls.checkServerIdentity(name, certificate);
}

import { z } from 'zod';
import { oneOrList, Refusal, scalar } from './scalar.ts';
import { choice, flag, off, text } from './scalars.ts';

const path = () =>
  text({
    title: 'path of a file',
    expected: 'the path of a PEM file',
    check: (written) => (written === '' || written.includes('\0') ? new Refusal() : undefined),
  });

/** '' is for none. */
const maybePath = () =>
  text({
    title: 'path of a file',
    expected: 'the path of a PEM file',
    check: (written) => (written.includes('\0') ? new Refusal() : undefined),
  });

const hostName = text({
  title: 'host name',
  expected: 'a host name or an IP address',
  check: (written) => (/^[A-Za-z0-9_.:-]{0,253}$/.test(written) ? undefined : new Refusal()),
});

/** In YAML `1.2` is a number, and means the version all the same. */
const minVersion = scalar<string | number, '1.2' | '1.3'>({
  title: 'version of TLS',
  expected: '1.2 or 1.3',
  json: { enum: ['1.2', '1.3', 1.2, 1.3] },
  parse: (written) => (['1.2', '1.3'] as const).find((version) => version === String(written)) ?? new Refusal(),
});

/** The protocols that a listener with TLS offers. */
export const alpnProtocols = ['h2', 'http/1.1'] as const;

const certificateSchema = z.strictObject({
  cert: path().describe(
    'The certificate, in PEM, with those of its chain behind it. A relative path is seen from the config file.',
  ),
  key: path().describe('The private key of the certificate, in PEM, without a passphrase.'),
  minVersion: minVersion.optional().describe('The oldest version of TLS that clients may use. Default: 1.2.'),
  clientCa: path()
    .optional()
    .describe('Authorities, in PEM. With it every client must show a certificate that one of them has signed.'),
  alpn: z
    .array(choice(alpnProtocols))
    .min(1)
    .optional()
    .describe(
      'Protocols that are offered to clients (ALPN), the preferred first. Default: both, and none on a tcp listener, which cannot know what its backends speak.',
    ),
});

/** The keys of a certificate that are about the whole listener. */
export const wholeListenerKeys = ['minVersion', 'clientCa', 'alpn'] as const;

/** How a listener ends TLS. */
export const listenerTlsSchema = z
  .union([off(), oneOrList(certificateSchema)])
  .prefault(false)
  .transform((written) => {
    if (written === false) return undefined;
    const { minVersion = '1.2', clientCa = '', alpn } = written[0]!;
    return { certificates: written.map(({ cert, key }) => ({ cert, key })), minVersion, clientCa, alpn };
  })
  .describe(
    'TLS to clients: a certificate with its key, or a list of them, picked by the name that the client asks for (SNI); the first is for all other names, and minVersion, clientCa and alpn stand there. The files are read again when they change. `false` for none.',
  );

/** How connections to backends are encrypted. */
export const connectTlsSchema = z
  .union([
    flag(),
    z.strictObject({
      ca: maybePath().prefault('').describe("Authorities to trust instead of the system's, in PEM."),
      serverName: hostName
        .prefault('')
        .describe(
          "Name that the backend's certificate must be for, and that is asked for (SNI). Default: the host of its address.",
        ),
      cert: maybePath().prefault('').describe('Certificate to show to the backend, in PEM; with `key`.'),
      key: maybePath().prefault('').describe('The private key of `cert`.'),
      verify: flag().prefault(true).describe("Whether the backend's certificate is checked."),
    }),
  ])
  .prefault(false)
  .transform((written) => {
    if (written === false) return undefined;
    return written === true ? { ca: '', serverName: '', cert: '', key: '', verify: true } : written;
  })
  .describe('TLS to the backends, also for health probes: `true`, or an object with its settings. `false` for none.');

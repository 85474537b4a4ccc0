import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { TlsBook } from '../../src/runtime/tls-book.ts';
import { type Issued, TestAuthority } from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { closeOpened, remember } from '../support/opened.ts';

const HOUR_MS = 3_600_000;

let authority: TestAuthority;
let issued: Issued;
let clock: FakeClock;
let book: TlsBook;
let said: string[];
let changes: number;

beforeEach(() => {
  authority = new TestAuthority();
  issued = authority.issue('web', { subject: { CN: 'a.test' }, names: ['a.test', '*.b.test'] });
  clock = new FakeClock();
  said = [];
  changes = 0;
  book = remember(
    new TlsBook({
      clock,
      folder: '/',
      logger: {
        info: (fields: object, message: string) => said.push(`${message} ${JSON.stringify(fields)}`),
        error: (message: string) => said.push(message),
      } as never,
      onChange: () => changes++,
    }),
  );
});
afterEach(closeOpened);

function configOf(over: { web?: object; connect?: object } = {}) {
  return configSchema.parse({
    watch: false,
    listeners: { web: { protocol: 'http', bind: ':0', pool: 'app', tls: issued.files, ...over.web } },
    pools: { app: { backends: ['127.0.0.1:1'], connect: { tls: { ca: authority.root.files.cert, ...over.connect } } } },
  });
}

describe('TlsBook', () => {
  it('plans with what the files hold', async () => {
    const config = configOf();
    await book.load(config);
    const plan = book.listenerPlan('web', config.listeners['web']!)!;
    expect(plan).toMatchObject({
      certificates: [{ cert: issued.certPem.trim(), key: issued.keyPem, names: ['a.test', '*.b.test'] }],
      minVersion: 'TLSv1.2',
      clientCa: '',
      alpn: ['h2', 'http/1.1'],
      handshakeMs: 10_000,
    });
    expect(plan.ticketKeys).toHaveLength(48);
    expect(book.poolPlan(config.pools['app']!)).toMatchObject({
      ca: authority.root.certPem.trim(),
      cert: '',
      verify: true,
    });
  });

  it('plans the same as long as nothing changes, over loads too', async () => {
    const config = configOf();
    await book.load(config);
    const ids = () => [book.listenerPlan('web', config.listeners['web']!)!.id, book.poolPlan(config.pools['app']!)!];
    const before = ids();
    await book.load(config);
    expect(ids()).toEqual(before);
    expect(ids()[1]).toBe(before[1]);
    expect(said).toEqual([]);
  });

  it('tells listeners with other client authorities apart, whose sessions are not good for each other', async () => {
    const open = configOf();
    const closed = configOf({ web: { tls: { ...issued.files, clientCa: authority.root.files.cert } } });
    await book.load(closed);
    const contexts = [open, closed].map(({ listeners }) => book.listenerPlan('web', listeners['web']!)!.sessionContext);
    expect(contexts[0]).not.toBe(contexts[1]);
    expect(book.listenerPlan('other', open.listeners['web']!)!.sessionContext).not.toBe(contexts[0]);
  });

  it('takes a pair that was replaced, and says so', async () => {
    const config = configOf();
    await book.load(config);
    const before = book.listenerPlan('web', config.listeners['web']!)!;
    const next = authority.issue('web', { subject: { CN: 'c.test' }, names: ['c.test'] });
    await book.load(config);
    const plan = book.listenerPlan('web', config.listeners['web']!)!;
    expect([plan.certificates[0]!.cert, plan.certificates[0]!.names]).toEqual([next.certPem.trim(), ['c.test']]);
    expect(plan.id).not.toBe(before.id);
    expect(said).toEqual([expect.stringMatching(/^certificate replaced .*web\.pem.*validTo/)]);
  });

  it('keeps what was good when a file no longer is, and takes it again when it is mended', async () => {
    const config = configOf();
    await book.load(config);
    const before = [book.listenerPlan('web', config.listeners['web']!)!.id, book.poolPlan(config.pools['app']!)!.id];
    writeFileSync(issued.files.key, authority.issue('other', { subject: { CN: 'o' }, names: ['o'] }).keyPem);
    writeFileSync(authority.root.files.cert, 'no certificate\n');
    await book.load(config);
    expect([book.listenerPlan('web', config.listeners['web']!)!.id, book.poolPlan(config.pools['app']!)!.id]).toEqual(
      before,
    );
    expect(said).toHaveLength(2);
    for (const line of said) expect(line).toMatch(/web\.|root\.pem.*; what was read before stays$/);
    writeFileSync(issued.files.key, issued.keyPem);
    writeFileSync(authority.root.files.cert, authority.root.certPem);
    said.length = 0;
    await book.load(config);
    expect(said).toEqual([]);
  });

  it('refuses what never was good, and keeps its plans', async () => {
    const config = configOf();
    await book.load(config);
    const missing = configOf({ connect: { ca: '/nowhere/ca.pem' } });
    await expect(book.load(missing)).rejects.toThrow('/nowhere/ca.pem: there is no such file');
    expect(book.listenerPlan('web', config.listeners['web']!)!.certificates[0]!.cert).toBe(issued.certPem.trim());
  });

  it('seals tickets with new keys twice a day, and asks for a new plan', async () => {
    const config = configOf();
    await book.load(config);
    await book.load(config);
    const keys = () => Buffer.from(book.listenerPlan('web', config.listeners['web']!)!.ticketKeys).toString('hex');
    const seen = [keys()];
    for (let i = 1; i <= 2; i++) {
      await clock.advance(12 * HOUR_MS);
      expect(changes).toBe(i);
      seen.push(keys());
    }
    expect(new Set(seen).size).toBe(3);
    book.close();
    expect(clock.pending).toBe(0);
  });

  it('tells when certificates expire', async () => {
    const config = configOf();
    await book.load(config);
    const [expiry, ...others] = [...book.expiries(config)];
    expect(expiry).toMatchObject({ listener: 'web', certificate: issued.files.cert });
    expect(expiry!.seconds).toBeGreaterThan(Date.now() / 1000);
    expect(others).toEqual([]);
  });
});

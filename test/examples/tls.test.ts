import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { CliProcess } from '../cli/cli-process.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';

afterEach(closeOpened);

it('examples/tls is valid once its certificate is there, and says what is missing before', async () => {
  const authority = new TestAuthority();
  const path = join(authority.folder, 'fairlead.yaml');
  cpSync('examples/tls/fairlead.yaml', path);
  const before = new CliProcess(['check', path]);
  expect(await before.code()).toBe(1);
  const { certPem, keyPem } = authority.issue('local', { subject: { CN: 'localhost' }, names: ['localhost'] });
  writeFileSync(join(authority.folder, 'local.key'), keyPem);
  writeFileSync(join(authority.folder, 'local.pem'), certPem);
  const after = new CliProcess(['check', path]);
  expect(await after.code()).toBe(0);
});

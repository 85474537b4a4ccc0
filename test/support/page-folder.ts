import { TestAuthority } from './certificates.ts';

/** A folder for the configs of the documentation, with the certificate that they name; it goes with what was opened. */
export function pageFolder(): string {
  const authority = new TestAuthority();
  authority.issue('web', { subject: { CN: 'www.example.com' }, names: ['www.example.com'] });
  return authority.folder;
}

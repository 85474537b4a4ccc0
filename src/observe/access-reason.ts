import type { AccessRecord } from './access-log.ts';

/** How an end reads; `sent` is how much of the answer the client had been sent by then, '' for nothing. */
type Words = (sent: string) => string;

/** "x", or "x after 12 bytes of the answer". */
const after = (what: string) => (sent: string) => (sent === '' ? what : `${what} after ${sent}`);

/** Ends of requests that were not answered in full, and of requests that became tunnels. */
const requestWords: ReadonlyMap<string, Words> = new Map([
  ['served', () => 'served'],
  ['fault', () => 'answered on purpose by the fault of its route'],
  ['client-aborted', (sent) => (sent === '' ? 'client left before the answer' : `client left after ${sent}`)],
  ['client-timeout', after('client did not take the answer in time')],
  ['client-reset', after('client reset the connection')],
  ['backend-reset', after('backend reset the connection')],
  ['backend-timeout', after('backend did not go on in time')],
  ['bad-response', after('backend broke the framing of its answer')],
  ['idle-timeout', after('no byte moved in time')],
  ['half-close-timeout', after('one side had ended and the other did not in time')],
  ['drained', after('cut at the end of a drain')],
  ['banned', after('cut because its source was banned')],
  ['denied', after('cut because a reload denies its source')],
]);

const connectionWords: ReadonlyMap<string, string> = new Map([
  ['closed', 'closed by both sides'],
  ['client-aborted', 'client left before a backend was connected'],
  ['client-reset', 'client reset the connection'],
  ['backend-reset', 'backend reset the connection'],
  ['idle-timeout', 'no byte moved in time'],
  ['half-close-timeout', 'one side had ended and the other did not in time'],
  ['drained', 'cut at the end of a drain'],
  ['banned', 'cut because its source was banned'],
  ['denied', 'cut because a reload denies its source'],
  ['connect-refused', 'the backend refused the connection'],
  ['connect-failed', 'the backend could not be reached'],
  ['connect-timeout', 'the backend did not accept the connection in time'],
  ['connect-tls', 'there is no TLS connection to the backend'],
  ['connect-no-port', 'there was no local address or port to connect to the backend from'],
  ['out-of-files', 'no more files can be opened, which a connection to a backend takes'],
  ['no-backends', 'the pool has no backends'],
  ['none-healthy', 'no backend of the pool is available'],
  ['all-saturated', 'every backend of the pool is at its connection limit'],
]);

/**
 * Why a request or a connection ended, as a person would say it: 'served', 'client left before the answer', 'backend reset
 * the connection after 1234 bytes of the answer'. For programs there is the code, which stays; these words may change.
 */
export function reasonOf(record: AccessRecord): string {
  if (record.kind === 'connection') return connectionWords.get(record.ended) ?? record.ended;
  const { ended, cause, bytesOut, bodyBytesOut } = record;
  const sent = bytesOut === 0 ? '' : `${bodyBytesOut} bytes of the answer`;
  const words = requestWords.get(ended);
  // An error of our own has its cause; an answer that broke off has how far it came, and a bad one both.
  if (words === undefined || (cause !== '' && ended !== 'bad-response')) return cause || ended;
  return cause === '' ? words(sent) : `${words(sent)}: ${cause}`;
}

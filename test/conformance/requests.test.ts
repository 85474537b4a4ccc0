import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { acceptedRequests } from '../http1/accepted-requests.ts';
import { refusedRequests } from '../http1/refused-requests.ts';
import { readMessages } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordingBackend, startBackend } from '../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { type RequestCase, requestCases } from './request-cases.ts';
import { responseCases } from './response-cases.ts';

let backend: RecordingBackend;
let fairlead: RunningFairlead;

beforeAll(async () => {
  backend = await startBackend((request, connection) =>
    answerText(`${connection.requests.length} ${request.startLine}`),
  );
  fairlead = await runFairlead(webConfig([backend.address]));
});
beforeEach(() => backend.forget());
afterAll(closeOpened);

/** What the backend got, in the order it came, without the fields that every request is given. */
function whatCame(): string {
  const text = backend.connections.map((connection) => connection.text).join('');
  return text.replaceAll(/(?:X-Forwarded-For|X-Forwarded-Proto|X-Forwarded-Host|X-Request-Id): [^\r]*\r\n/g, '');
}

async function run(
  { sent, comes, answers, client: afterwards }: RequestCase,
  pieces: readonly string[],
): Promise<void> {
  const client = await connectTo(fairlead.address());
  for (const piece of pieces) {
    client.send(piece);
    await nextTurn();
  }
  const got = await client.answers(answers);
  expect(got.map(({ status }) => status)).toEqual(Array(answers).fill(200));
  // Each answer says which request it is for: in turn, whatever is on the way at once.
  const asked = readMessages(comes).messages.map(({ startLine }) => startLine);
  expect(got.map(({ body }) => body.replace(/^\d+ /, ''))).toEqual(asked);
  expect(whatCame()).toBe(comes);
  client.text = '';
  if (afterwards === 'closes') expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
  else {
    client.end();
    expect(await client.ended()).toEqual({ text: '', ending: 'fin' });
  }
  expect(whatCame(), sent).toBe(comes);
  client.close();
}

const bySection = Object.entries(Object.groupBy(requestCases, ({ section }) => section));

describe.each(bySection)('a request: %s', (_section, cases) => {
  it.each(cases ?? [])('$name', (given) => run(given, [given.sent]));
  it.each(cases ?? [])('$name, a byte at a time', (given) => run(given, [...given.sent]));
});

describe('the tables', () => {
  const sections = [acceptedRequests, refusedRequests, requestCases, responseCases].map(
    (cases) => new Set(cases.map(({ section }) => section)),
  );
  const hasCase = (wanted: string): boolean =>
    sections.some((titles) => [...titles].some((title) => title === wanted || title.startsWith(`${wanted} `)));

  it.each([
    ...[
      '2.2',
      '2.3',
      '3.1',
      '3.2.1',
      '3.2.2',
      '3.2.3',
      '3.2.4',
      '4',
      '5.1',
      '5.2',
      '6.1',
      '6.2',
      '6.3',
      '7.1',
      '7.1.2',
    ],
    ...['8', '9.3', '9.3.2', '9.5'],
    ...['5.3', '5.4', '7.2', '7.6.1', '7.6.3', '7.8', '10.1.1', '10.1.4', '11.6.2', '15.2'].map(
      (each) => `RFC 9110 ${each}`,
    ),
  ])('have a case for section %s', (wanted) => {
    expect(hasCase(wanted)).toBe(true);
  });
});

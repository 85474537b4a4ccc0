import { Buffer } from 'node:buffer';
import type { RawClient } from '../support/raw-client.ts';
import type { FuzzCase } from './case.ts';
import { readChecked, requestAtBackend, requestSeen, seenDifference } from './end-to-end.ts';
import { type Lane, sendPieces } from './lane.ts';
import type { LanePlay } from './lane-backend.ts';
import { type OwnReading, ownReading } from './own.ts';

/** What is sent behind a text that ends where a request does: it must be read as a request, and as the next one. */
const SENTINEL = 'GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n';

/** Answers with the number of the request, so that an answer to another one is seen. */
const numbered: LanePlay = (socket, _request, index) => {
  const body = `request ${index}`;
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
};

/** Takes the answers out of what came: as many as `methods`; undefined as long as they are not complete. */
function answersIn(text: string, methods: readonly string[]): { bodies: string[]; fault: string } | undefined {
  const bodies: string[] = [];
  for (const method of methods) {
    const { own, fault } = readChecked(text, { method });
    if (fault !== '') return { bodies, fault };
    const answer = own.messages.at(-1);
    if (answer?.complete !== true) return undefined;
    bodies.push(`${answer.line.slice(0, 3)} ${answer.data}`);
    text = text.slice(own.used);
  }
  return { bodies, fault: text === '' ? '' : `bytes behind the last answer: ${JSON.stringify(text)}` };
}

/** The methods of all that is answered; what is refused for its head has none that counts. */
function methodsOf({ messages, refused }: OwnReading): string[] {
  const methods = messages.map(({ line }) => line.slice(0, line.indexOf(' ')));
  const open = messages.at(-1)?.complete === false;
  if (refused === '') return open ? methods.slice(0, -1) : methods;
  return open ? methods : [...methods, 'GET'];
}

/** What must come back for a request: its number, or our own error for the one that is refused. */
function answersFault(bodies: readonly string[], methods: readonly string[], own: OwnReading): string {
  for (const [i, body] of bodies.entries()) {
    const refusal = own.refused !== '' && i === bodies.length - 1;
    const words = methods[i] === 'HEAD' ? '' : refusal ? '[^\\n]+\\n' : `request ${i}`;
    const expected = new RegExp(`^(?:${refusal ? '400|431|501' : '200'}) ${words}$`);
    const right = expected.test(body);
    if (!right) return `answer ${i} is ${JSON.stringify(body)}, should be ${expected}`;
  }
  return '';
}

function backendFault(lane: Lane, own: OwnReading): string {
  const whole = own.messages.filter(({ complete }) => complete);
  const { requests, texts } = lane.backend;
  if (requests.length !== whole.length) return `the backend got ${requests.length} requests, not ${whole.length}`;
  for (const [i, message] of whole.entries()) {
    const expected = requestAtBackend(message, lane.holds);
    const difference = seenDifference(requestSeen(requests[i]!, expected, lane.holds), expected);
    if (difference !== '') return `request ${i} at the backend ${difference}`;
  }
  for (const text of texts) {
    const { fault } = readChecked(text, 'requests');
    if (fault !== '') return `what the backend got: ${fault} in ${JSON.stringify(text)}`;
  }
  return '';
}

/** The text as it is sent, and our reading of all of it. */
function toSend({ text, cuts }: FuzzCase): { sent: string; own: OwnReading; places: readonly number[] } {
  const own = ownReading(Buffer.from(text, 'latin1'), 'requests', [text.length]);
  const last = own.messages.at(-1);
  const endsWithRequest = last?.complete === true && last.persistent && own.refused === '' && own.used === text.length;
  if (!endsWithRequest && own.refused === '') return { sent: text, own, places: cuts };
  // A head that waits for its end is looked at again when a line ends.
  const sent = text + (own.refused === '' ? SENTINEL : '\r\n');
  const places = [...cuts, sent.length];
  return { sent, own: ownReading(Buffer.from(sent, 'latin1'), 'requests', [sent.length]), places };
}

/** Waits for all that must come back; says what is wrong with it. */
async function exchange(client: RawClient, own: OwnReading, patienceMs: number): Promise<string> {
  const methods = methodsOf(own);
  const last = own.messages.at(-1);
  const closes = own.refused !== '' || (last?.complete === true && !last.persistent);
  const isDone = (): boolean =>
    client.ending !== undefined || (!closes && answersIn(client.text, methods) !== undefined);
  await client.until(isDone, closes ? 'end' : `${methods.length} answers`, patienceMs);
  const answers = answersIn(client.text, methods);
  if (answers === undefined) return `not all of ${methods.length} answers came: ${client}`;
  if (client.ending === 'reset') return `the connection was reset: ${client}`;
  if (!closes && client.ending !== undefined) return `the connection was closed: ${client}`;
  return answers.fault || answersFault(answers.bodies, methods, own);
}

/**
 * Sends a case through Fairlead and says what is wrong, '' when nothing is: client, Fairlead and backend must agree on
 * how many requests there are, and on each of them; what is refused must not come to the backend as a request.
 */
export async function wireRequestFault(lane: Lane, fuzzCase: FuzzCase): Promise<string> {
  const { sent, own, places } = toSend(fuzzCase);
  lane.backend.begin(numbered);
  const client = await lane.connect();
  try {
    await sendPieces(client.socket, sent, places);
    const fault = await exchange(client, own, lane.patienceMs);
    client.close();
    await client.until(() => !lane.backend.isMidRequest, 'end of what broke off at the backend', lane.patienceMs);
    return fault || backendFault(lane, own);
  } catch (error) {
    return (error as Error).message;
  } finally {
    client.close();
  }
}

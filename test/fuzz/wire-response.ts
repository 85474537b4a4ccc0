import { Buffer } from 'node:buffer';
import type { RawClient } from '../support/raw-client.ts';
import type { FuzzCase } from './case.ts';
import { readChecked, responseAtClient, responseSeen, seenDifference } from './end-to-end.ts';
import { type Lane, sendPieces } from './lane.ts';
import type { LanePlay } from './lane-backend.ts';
import { type OwnReading, ownReading, type Stream } from './own.ts';
import type { Message } from './reading.ts';

/** As many interim answers are passed on. */
const MOST_INTERIM = 64;

/** The request that a response answers. */
type Asked = Exclude<Stream, 'requests'>;

/** What must become of a response: it comes whole, it breaks off so that nobody takes it for whole, or there is an error. */
interface Expected {
  readonly interim: readonly Message[];
  readonly end: 'whole' | 'whole-then-close' | 'broken' | 'error' | 'tunnel';
  readonly final: Message | undefined;
  /** What comes behind a 101, in the other protocol. */
  readonly tunnelled: string;
}

const isInterim = ({ line }: Message): boolean => line < '2' && !line.startsWith('101');

/** What must become of a response that the backend ends the connection behind if it is not whole. */
function expectedOf(own: OwnReading, asked: Asked, text: string): Expected {
  const interim = own.messages.filter(isInterim).slice(0, MOST_INTERIM);
  const last = own.messages.at(-1);
  const failed: Expected = { interim, end: 'error', final: undefined, tunnelled: '' };
  if (last === undefined || isInterim(last) || own.messages.length > MOST_INTERIM + 1) return failed;
  if (last.line.startsWith('101')) {
    return asked.upgrade ? { ...failed, end: 'tunnel', final: last, tunnelled: text.slice(own.used) } : failed;
  }
  if (last.complete) return { ...failed, end: 'whole', final: last };
  return { ...failed, end: own.untilClose ? 'whole-then-close' : 'broken', final: last };
}

/**
 * What is sent in one piece with the end of a response is known to be behind it. What came later could be taken for the
 * answer to the next request, by any proxy, so it is sent together with that end.
 */
function piecesOf({ cuts, text }: FuzzCase, own: OwnReading): number[] {
  return own.used === text.length ? [...cuts] : [...cuts.filter((cut) => cut < own.used), text.length];
}

function play(fuzzCase: FuzzCase, own: OwnReading, { end }: Expected): LanePlay {
  const ends = end !== 'whole';
  return (socket, request) => {
    if (request.startLine.includes('/next')) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
      return;
    }
    void sendPieces(socket, fuzzCase.text, piecesOf(fuzzCase, own)).then(() => ends && socket.end());
  };
}

const describeEnd = (client: RawClient): string => `; ${client}`;

/** Compares what came with what had to come before the final answer, and takes it out. */
function interimFault(messages: readonly Message[], expected: readonly Message[]): string {
  if (messages.length < expected.length) return `${messages.length} interim answers came, not ${expected.length}`;
  for (const [i, message] of expected.entries()) {
    const difference = seenDifference(responseSeen(messages[i]!), responseAtClient(message));
    if (difference !== '') return `interim answer ${i} ${difference}`;
  }
  return '';
}

function answerFault(client: RawClient, method: string, expected: Expected): string {
  const { own, fault } = readChecked(client.text, { method });
  if (fault !== '') return fault + describeEnd(client);
  const wrong = interimFault(own.messages, expected.interim);
  if (wrong !== '') return wrong + describeEnd(client);
  const answer = own.messages[expected.interim.length];
  switch (expected.end) {
    case 'error':
      if (answer?.complete !== true || !answer.line.startsWith('502')) return `there is no 502${describeEnd(client)}`;
      return answer.fields.includes('Fairlead-Error') ? '' : 'the error is not ours';
    case 'broken': {
      // A reset may take the last bytes with it, the head among them.
      if (client.ending !== 'reset') return `the end of a broken answer is not a reset${describeEnd(client)}`;
      return answer?.complete === true ? 'a broken answer looks whole' : '';
    }
    case 'tunnel': {
      const bytes = client.text.slice(own.used);
      if (!answer?.line.startsWith('101')) return `there is no 101${describeEnd(client)}`;
      return bytes === expected.tunnelled ? '' : `in the tunnel came ${JSON.stringify(bytes)}`;
    }
    default: {
      const seen = answer && responseSeen(answer);
      return seenDifference(seen, responseAtClient(expected.final!));
    }
  }
}

/** Another request on the same connection must get its own answer, wherever the first response ended. */
async function nextFault(client: RawClient, method: string, patienceMs: number): Promise<string> {
  const { used } = readChecked(client.text, { method }).own;
  const before = client.text.slice(used);
  if (before !== '') return `bytes behind the answer: ${JSON.stringify(before)}`;
  client.text = '';
  client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until(() => client.text.endsWith('next') || client.ending !== undefined, 'next answer', patienceMs);
  return /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nnext$/.test(client.text) ? '' : `the next answer is another: ${client}`;
}

async function exchange(
  lane: Lane,
  client: RawClient,
  { method, upgrade }: Asked,
  expected: Expected,
): Promise<string> {
  const body = method === 'POST' ? 'Content-Length: 2\r\n\r\nhi' : '\r\n';
  const wish = upgrade ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
  client.send(`${method} /first HTTP/1.1\r\nHost: a\r\n${wish}${body}`);
  const closes = expected.end !== 'whole' && expected.end !== 'error';
  const isWhole = (): boolean => {
    const { messages } = ownReading(Buffer.from(client.text, 'latin1'), { method }, [client.text.length]);
    const last = messages.at(-1);
    return last?.complete === true && !isInterim(last);
  };
  const isDone = (): boolean => client.ending !== undefined || (!closes && isWhole());
  await client.until(isDone, closes ? 'end' : 'whole answer', lane.patienceMs);
  const fault = answerFault(client, method, expected);
  if (fault !== '' || closes) return fault;
  return nextFault(client, method, lane.patienceMs);
}

/**
 * Has a backend send a case through Fairlead and says what is wrong, '' when nothing is: the client must see the same
 * answer, or one that is broken off beyond doubt, or our error; and another request must get the answer that is its own.
 */
export async function wireResponseFault(lane: Lane, fuzzCase: FuzzCase, asked: Asked): Promise<string> {
  const { text } = fuzzCase;
  const own = ownReading(Buffer.from(text, 'latin1'), asked, [text.length]);
  const expected = expectedOf(own, asked, text);
  lane.backend.begin(play(fuzzCase, own, expected));
  const client = await lane.connect();
  try {
    return await exchange(lane, client, asked, expected);
  } catch (error) {
    return (error as Error).message;
  } finally {
    client.close();
  }
}

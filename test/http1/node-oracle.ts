import http from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What was made of a request that is alone in its text: taken whole, more of it awaited, or refused, and why. */
export type OracleVerdict = 'accepted' | 'incomplete' | `refused: ${string}`;

/** Turns of the event loop after which Node has said all that it will say of what it got. */
const MOST_TURNS = 20;

/** Node's own HTTP with its defaults, asked over a stream in memory. */
export class NodeOracle {
  readonly #server = http.createServer({ keepAliveTimeout: 0, connectionsCheckingInterval: 2 ** 30 });
  readonly #verdicts = new WeakMap<Duplex, OracleVerdict>();

  constructor() {
    const take = (request: http.IncomingMessage): void => {
      request.resume().on('end', () => this.#verdicts.set(request.socket, 'accepted'));
    };
    this.#server.on('request', take).on('checkExpectation', take).on('checkContinue', take);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#verdicts.set(socket, `refused: ${error.code ?? error.message}`);
      socket.destroy();
    });
  }

  /** Its verdict on a request. */
  async verdict(text: string): Promise<OracleVerdict> {
    const [ours, theirs] = duplexPair();
    let answer = '';
    ours.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    this.#server.emit('connection', theirs);
    ours.write(text, 'latin1');
    for (let turn = 0; turn < MOST_TURNS && !this.#verdicts.has(theirs) && answer === ''; turn++) await nextTurn();
    // What only its HTTP layer refuses, and CONNECT, come to no event here: an answer or the end says so.
    const silent = answer === '' && !theirs.destroyed ? 'incomplete' : (`refused: ${answer.slice(0, 12)}` as const);
    ours.destroy();
    theirs.destroy();
    return this.#verdicts.get(theirs) ?? silent;
  }

  close(): void {
    this.#server.close();
  }
}

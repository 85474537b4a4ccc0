import type { Buffer } from 'node:buffer';
import type { HeadEdit } from '../http1/head-edit.ts';
import type { Backend } from '../pool/backend.ts';
import type { AnswerReader } from './answer.ts';
import type { PoolSite } from './deps.ts';
import type { ClientSide } from './http-context.ts';
import { HttpRequest } from './http-request.ts';
import type { LoggedExchange } from './request-log.ts';
import type { RouteSite } from './route-site.ts';
import type { Session } from './sticky.ts';

/** The client's half of an exchange: what it asked, where that leads, what was written to it, and what is told of it later. */
export abstract class ClientHalf implements AnswerReader, LoggedExchange {
  readonly client: ClientSide;
  readonly request: HttpRequest;
  readonly startedAt: number;
  route: RouteSite;
  pool: PoolSite | undefined;
  backend: Backend | undefined;
  session: Session | undefined;
  attempts = 0;
  bytesOut = 0;
  headBytes = 0;
  firstByteMs = 0;
  cause = '';

  /** Takes the request whose head was just parsed. */
  constructor(client: ClientSide) {
    this.client = client;
    this.startedAt = client.site.deps.now();
    this.request = new HttpRequest(client);
    this.route = client.site.nowhere;
  }

  /** How long the connection of the last attempt took, in ms; 0 for a kept one. */
  abstract readonly connectMs: number;

  write(text: string): boolean {
    this.bytesOut += text.length;
    return this.client.write(text);
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.bytesOut += end - start;
    return this.client.send(bytes, start, end);
  }

  get answerEdit(): HeadEdit | undefined {
    return this.route.answerEdit;
  }

  get unwanted(): ReadonlySet<number> | undefined {
    return this.route.unwanted;
  }

  /** The backend answered with a status that leads to another try: true when there will be one. */
  abstract declines(status: number): boolean;

  mustClose(): boolean {
    return this.request.incomplete || this.client.site.draining || this.client.nothingToCome;
  }
}

import { Buffer } from 'node:buffer';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { parseResponseHead, ResponseHead } from '../../src/http1/response-head.ts';
import type { PoolSite, Seat } from '../../src/proxy/deps.ts';
import { healthyTable, planOf, poolOn } from '../pool/stage.ts';

/** The head of a GET with these field lines. */
export function requestHead(target: string, ...fields: string[]): RequestHead {
  const bytes = Buffer.from([`GET ${target} HTTP/1.1`, 'Host: a.test', ...fields, '', ''].join('\r\n'));
  const head = new RequestHead();
  parseRequestHead(head, bytes, { start: 0, end: bytes.length }, bytes.length);
  return head;
}

/** The head of an answer with these field lines. */
export function responseHead(status: string, ...fields: string[]): ResponseHead {
  const bytes = Buffer.from([`HTTP/1.1 ${status}`, ...fields, '', ''].join('\r\n'));
  const head = new ResponseHead();
  parseResponseHead(head, bytes, { start: 0, end: bytes.length }, bytes.length);
  return head;
}

/** A pool `web` of healthy backends `b0`, `b1`, … as a proxy has it, but for what has to do with connecting. */
export function poolSite(count: number) {
  const table = healthyTable(count);
  const { pool, heard } = poolOn(table, planOf(count));
  return { table, heard, site: { pool } as PoolSite };
}

/** The places that sessions of a pool can be on. */
export function seatsOf(site: PoolSite): Seat[] {
  return site.pool.backends.map((backend) => ({ pool: site, backend }));
}

import { z } from 'zod';
import { Refusal, scalar } from './scalar.ts';
import { duration, integer, off, poolName } from './scalars.ts';

/** A share of requests, written as a number of percent. */
function percentNumber() {
  return scalar<number, number>({
    title: 'number of percent',
    expected: 'a number above 0 and at most 100',
    json: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
    parse(written) {
      const value = /^\d+(\.\d+)?$/.test(String(written)) ? Number(written) : 0;
      return value > 0 && value <= 100 ? value / 100 : new Refusal();
    },
  });
}

/** `mirror` of a route. */
export const mirrorSchema = z
  .union([
    off(),
    z.strictObject({
      pool: poolName().describe('Pool that gets the copies. Its answers are thrown away.'),
      percent: percentNumber().prefault(100).describe('Share of requests that are copied, in percent.'),
    }),
  ])
  .prefault(false)
  .describe('Sends copies of requests to another pool, except for those of more than 64 KiB. `false` sends none.');

/** `fault` of a route. */
export const faultSchema = z
  .union([
    off(),
    z.strictObject({
      delay: duration().optional().describe('How long a request waits before it goes to a backend.'),
      status: integer(200, 599).optional().describe('What a request is answered, without asking a backend.'),
      percent: percentNumber().prefault(100).describe('Share of requests that are hit, in percent.'),
    }),
  ])
  .prefault(false)
  .describe('Makes requests slow, or fail, on purpose. At least one of delay and status; with both, it is slow first.');

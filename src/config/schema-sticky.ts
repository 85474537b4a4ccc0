import { z } from 'zod';
import { tokenName } from './patterns.ts';
import { Refusal } from './scalar.ts';
import { duration, off, text } from './scalars.ts';

/** The keys that say where a request tells its session; there is exactly one of them. */
const places = ['cookie', 'header', 'query'] as const;

const shortestLifeMs = 1000;

const parameter = text({
  title: 'name of a parameter',
  expected: 'the name of a query parameter',
  check: (written) => (written === '' ? new Refusal() : undefined),
});

const secret = text({ title: 'text', expected: 'a secret text', secret: true });

const settings = z
  .strictObject({
    cookie: tokenName('cookie')
      .exactOptional()
      .describe('By a cookie of this name that Fairlead sets and signs. Exactly one of cookie, header, query.'),
    header: tokenName('header')
      .exactOptional()
      .describe('By what clients send in this header; a backend may give the value in the same header of an answer.'),
    query: parameter
      .exactOptional()
      .describe(
        'By what clients send in this query parameter; a backend may give the value as the JSON member of that name in the first 4KiB of an answer.',
      ),
    ttl: duration({ min: shortestLifeMs })
      .exactOptional()
      .describe('A session ends when it was silent for so long. Default: with the browser, for a cookie; else never.'),
    secret: secret
      .exactOptional()
      .describe(
        "What signs the cookie: the same in every instance that shares the clients. Default: the pool's name, which keeps the addresses secret, but not which backend it is.",
      ),
  })
  .superRefine((written, context) => {
    const [first, second] = places.filter((key) => written[key] !== undefined);
    const complain = (message: string, path: string[] = []) =>
      context.issues.push({ code: 'custom', message, input: written, path });
    if (first === undefined) complain('nothing to go by, expected cookie, header or query');
    else if (second !== undefined) complain(`there is ${first} too, expected only one of them`, [second]);
    else if (first !== 'cookie' && written.secret !== undefined) complain(`${first} needs none`, ['secret']);
  })
  .transform((written) => {
    const kind = places.find((key) => written[key] !== undefined) ?? 'cookie';
    return { kind, name: written[kind] ?? '', ttlMs: written.ttl ?? 0, secret: written.secret ?? '' };
  });

/** How a route keeps the requests of a session on one backend. */
export const stickySchema = z
  .union([off(), settings])
  .prefault(false)
  .transform((written) => (written === false ? undefined : written))
  .describe('Keeps the requests of a session on one backend. `false` for no.');

import { z } from 'zod';
import { noHeaderTwice, token } from './patterns.ts';
import { oneOrList, Refusal } from './scalar.ts';
import { text } from './scalars.ts';

/** Fields that say how a message is framed, how its connection is used, or where it goes; not for a route to touch. */
const untouchable = new Map<string, string>([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'http2-settings'].map(
    (name) => [name, 'it is about one connection, and each side has its own'] as const,
  ),
  ...['content-length', 'transfer-encoding', 'trailer', 'expect'].map(
    (name) => [name, 'it is about how the message is sent, which a route cannot change'] as const,
  ),
  ['host', 'the host that a backend sees is changed by `rewrite: { host }`'],
]);

const longestValueChars = 8192;
const mostFields = 64;

const headerName = text({
  title: 'name of a header',
  expected: 'the name of a header that a route may change',
  json: { pattern: token.source },
  check(name) {
    if (!token.test(name)) return new Refusal();
    const why = untouchable.get(name.toLowerCase().replaceAll('_', '-'));
    return why === undefined ? undefined : new Refusal(why);
  },
});

const headerValue = text({
  title: 'text',
  expected: `text of one line, at most ${longestValueChars} characters`,
  check(written) {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(written))
      return new Refusal('it has a line break or another control character');
    if (/^[\t ]|[\t ]$/.test(written)) return new Refusal('space at its ends would be lost');
    return written.length <= longestValueChars ? undefined : new Refusal();
  },
});

const editSchema = z.strictObject({
  set: z
    .record(headerName, headerValue)
    .superRefine(noHeaderTwice)
    .superRefine(notTooMany)
    .prefault({})
    .describe('Values by header: the header has this value alone, whatever it had.'),
  add: z
    .record(headerName, oneOrList(headerValue))
    .superRefine(noHeaderTwice)
    .superRefine(notTooMany)
    .prefault({})
    .describe('Values by header, one or a list: put behind those that the header has, each as a field of its own.'),
  remove: z
    .array(headerName)
    .superRefine(notTooMany)
    .prefault([])
    .describe('Headers that go no further. Comes before `set` and `add`.'),
});

function notTooMany(headers: object, context: z.RefinementCtx): void {
  if (Object.keys(headers).length <= mostFields) return;
  context.issues.push({ code: 'custom', message: `too many, expected at most ${mostFields}`, input: headers });
}

/** What a route changes in the heads that pass. */
export const headersSchema = z
  .strictObject({
    request: editSchema.prefault({}).describe('For requests on their way to a backend.'),
    response: editSchema
      .prefault({})
      .describe('For answers on their way to the client, those that the route gives by itself included.'),
  })
  .describe('Headers to change. The others keep their order and case. Names: `_` counts as `-`.');

/** Changes to the heads of requests, or of answers. */
export type HeaderEditConfig = z.output<typeof editSchema>;

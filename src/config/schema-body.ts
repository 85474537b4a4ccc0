import { z } from 'zod';
import type { BodyMatch } from '../route/rule.ts';
import { bodyValue, type ValueMatch } from './patterns.ts';
import { Refusal } from './scalar.ts';
import { bytes, text } from './scalars.ts';

/** The most of a body that can be held: it is held in memory, for every such request at a time. */
const largestHeldBytes = 1024 ** 2;

const jsonPath = text({
  title: 'path in JSON',
  expected: 'names and indexes with dots between, such as tenant.id or items.0.sku',
  json: { pattern: '^[^.]+(\\.[^.]+)*$' },
  check: (written) => (/^[^.]+(?:\.[^.]+)*$/.test(written) ? undefined : new Refusal()),
});

const someText = (title: string, expected: string) =>
  text({ title, expected, check: (written) => (written === '' ? new Refusal() : undefined) });

const present: ValueMatch = { kind: 'present' };

/** The keys that say what a body is looked at for; a condition has exactly one. */
const looks = ['json', 'form', 'contains'] as const;

/** What a body must be like. */
export const bodySchema = z
  .strictObject({
    json: jsonPath
      .exactOptional()
      .describe('A value in a JSON body, by the names of members and indexes of lists with dots between.'),
    form: someText('name of a field', 'the name of a form field')
      .exactOptional()
      .describe('A field of a form (application/x-www-form-urlencoded), decoded.'),
    contains: someText('text', 'some text').exactOptional().describe('Text that the body has in it.'),
    is: bodyValue()
      .exactOptional()
      .describe(
        'What the value of json or form must be: exact text, a number, true or false, `~` and a regular expression, or a list of which one must hold. Without it the value has to be there.',
      ),
    limit: bytes({ min: 1, max: largestHeldBytes })
      .prefault('64KiB')
      .describe('How much of a body is held, at most 1MiB; a larger one does not match.'),
  })
  .superRefine((written, context) => {
    const [first, second] = looks.filter((key) => written[key] !== undefined);
    const complain = (message: string, path: string[] = []) =>
      context.issues.push({ code: 'custom', message, input: written, path });
    if (first === undefined) complain('nothing to look at, expected json, form or contains');
    else if (second !== undefined) complain(`there is ${first} too, expected only one of them`, [second]);
    else if (first === 'contains' && written.is !== undefined) complain('contains needs none', ['is']);
    if (written.limit === 0) complain('got 0, expected at least 1B', ['limit']);
  })
  .transform(({ json, form, contains, is = present, limit }): BodyMatch => {
    if (json !== undefined) return { kind: 'json', path: json, is, limit };
    if (form !== undefined) return { kind: 'form', name: form, is, limit };
    return { kind: 'contains', text: contains ?? '', limit };
  });

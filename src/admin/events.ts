import { z } from 'zod';
import { type JsonSchema, jsonSchema } from './json-schema.ts';

const at = z.string().describe('ISO 8601, UTC.');
const words = ['up', 'down', 'ejected', 'unknown'] as const;

/** What happened and is kept for those who come later. A kind that is added here is told by the stream and described. */
const keptBodies = [
  z.object({
    kind: z.literal('health'),
    pool: z.string(),
    backend: z.string(),
    from: z.enum(words).describe('What was told of it last.'),
    to: z.enum(words),
    reason: z.string(),
  }),
  z.object({
    kind: z.literal('change'),
    who: z.string().describe('Address of the operator, or `unix socket`.'),
    pool: z.string(),
    backend: z.string(),
    what: z.enum(['state', 'weight', 'added', 'removed']),
    from: z.string().nullable(),
    to: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('drained').describe('A backend that drains holds no leases any more.'),
    pool: z.string(),
    backend: z.string(),
    removed: z.boolean().describe('Whether it has left the pool with that.'),
  }),
  z.object({
    kind: z.literal('reload'),
    result: z.enum(['applied', 'refused']),
    generation: z.number().describe('Number of the config in force afterwards.'),
    problems: z.array(z.string()).describe('Why it was refused; empty when it was applied.'),
    replaced: z.array(z.string()).describe('What had been changed at run time and holds no longer.'),
  }),
  z.object({
    kind: z.literal('worker'),
    worker: z.number(),
    to: z.enum(['died', 'replaced', 'overloaded', 'at-ease']),
    reason: z.string().describe('Of its death, as far as it is known; empty otherwise.'),
  }),
  z.object({
    kind: z.literal('listener'),
    listener: z.string(),
    trouble: z.string().describe('What keeps it from accepting a connection.'),
  }),
  z.object({
    kind: z.literal('ban'),
    listener: z.string(),
    address: z.string().describe('An IPv4 address, or a /64 of IPv6.'),
    to: z.enum(['banned', 'lifted']),
    reason: z.enum(['bad', 'not-found', 'manual']).describe('What it was banned for; manual: by hand.'),
    cause: z.string().describe('The refusal that was one too many; empty for what is done by hand.'),
  }),
  z.object({
    kind: z.literal('instance'),
    to: z.enum(['open', 'draining']).describe('Its listeners are open; or it takes nothing new and will end.'),
  }),
  z.object({
    kind: z.literal('skipped'),
    of: z.string().describe('The kind of events that were too many in a second for all to be told.'),
    count: z.number().describe('How many were not.'),
  }),
] as const;

/** How things stand at this moment: told to those who listen, and not kept. */
const passingBodies = [
  z.object({
    kind: z.literal('drain'),
    pool: z.string(),
    backend: z.string(),
    active: z.number().describe('Leases still held on it.'),
  }),
  z.object({
    kind: z.literal('missed').describe('Events between the last one that was seen and the next are no longer kept.'),
  }),
] as const;

const keptBody = z.discriminatedUnion('kind', keptBodies);
const passingBody = z.discriminatedUnion('kind', passingBodies);

/** Something that happened. */
export type EventBody = z.output<typeof keptBody>;
/** How something stands. */
export type PassingBody = z.output<typeof passingBody>;
/** Any kind of event. */
export type EventKind = EventBody['kind'] | PassingBody['kind'];

/** An event with when it came. `id` tells it from all others, also those of an earlier process; null for a passing one. */
export type FairleadEvent = (EventBody | PassingBody) & { readonly id: string | null; readonly at: string };

/** Every kind of event there is. */
export const eventKinds: readonly EventKind[] = [...keptBodies, ...passingBodies].map(({ shape }) => shape.kind.value);

/** The text of the stream. */
export const eventStreamSchema: JsonSchema = {
  description: 'Server-sent events. Each has its kind as `event` and this as `data`.',
  content: {
    'text/event-stream': {
      schema: {
        oneOf: [
          ...keptBodies.map((body) => jsonSchema(body.extend({ id: z.string(), at }))),
          ...passingBodies.map((body) => jsonSchema(body.extend({ id: z.null(), at }))),
        ],
      },
    },
  },
};

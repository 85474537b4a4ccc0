import { refusedSchema, reloadedSchema, shownConfigSchema } from './config-schema.ts';
import type { Answer, Asked, Endpoint } from './endpoint.ts';
import { type ExplainRequest, explainRequestSchema, explanationSchema } from './explain-schema.ts';
import { jsonSchema } from './json-schema.ts';
import { schemas } from './schema.ts';
import type { AdminSource } from './source.ts';

async function answerReload(source: AdminSource): Promise<Answer> {
  const reloaded = await source.reload();
  if (reloaded === undefined) {
    const message = 'the config did not come from a file that could be loaded again';
    return { status: 409, body: { error: 'no-config-file', message } };
  }
  if (reloaded.ok) return { status: 200, body: reloaded };
  const { problems } = reloaded;
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  const message = `the config was refused for ${count}; the one in force stays`;
  return { status: 422, body: { error: 'config-refused', message, problems } };
}

function answerExplain(source: AdminSource, { body }: Asked): Answer {
  const explained = source.explain(body as ExplainRequest);
  if (explained.ok) return { status: 200, body: explained.explanation };
  return { status: 422, body: { error: 'invalid', message: explained.problem } };
}

/** The endpoints that are about the config as a whole. */
export const configEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/api/config',
    summary: 'The config as it was loaded, with its defaults and without its secrets.',
    open: false,
    responses: { 200: jsonSchema(shownConfigSchema) },
    answer: (source) => ({ status: 200, body: source.config() }),
  },
  {
    method: 'POST',
    path: '/api/reload',
    summary: 'Loads the config file again, or says everything that is wrong with it.',
    open: false,
    responses: { 200: jsonSchema(reloadedSchema), 409: schemas.error, 422: jsonSchema(refusedSchema) },
    answer: answerReload,
  },
  {
    method: 'POST',
    path: '/api/explain',
    summary: 'Says what would become of a request under the config in force, and why, without sending it.',
    open: false,
    body: explainRequestSchema,
    responses: { 200: jsonSchema(explanationSchema), 422: schemas.error },
    answer: answerExplain,
  },
];

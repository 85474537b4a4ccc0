import { closest } from '../support/suggest.ts';
import { answerBan, answerLift } from './answer-bans.ts';
import { answerAdd, answerRemove, answerSet, tagOf } from './answer-changes.ts';
import { configEndpoints } from './answer-config.ts';
import { answerConnections } from './answer-connections.ts';
import { answerEvents } from './answer-events.ts';
import type { Endpoint } from './endpoint.ts';
import { eventStreamSchema } from './events.ts';
import type { JsonSchema } from './json-schema.ts';
import { openApi } from './openapi.ts';
import { type AdminError, backendSettingsBody, newBackendBody, newBanBody, schemas } from './schema.ts';
import type { AdminSource } from './source.ts';

const metricsSchema: JsonSchema = {
  description: "Metrics in Prometheus' text format.",
  content: { 'text/plain': { schema: { type: 'string' } } },
};

function noPool(source: AdminSource, name: string): AdminError {
  const names = source.pools().map((pool) => pool.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
  return { error: 'no-pool', message: `there is no pool '${name}'${hint}` };
}

const ifMatch = { 'If-Match': 'Entity tags of the pool; the change is made only if it has one of them.' };

/** Why a change is not made. */
const changeErrors = {
  404: schemas.error,
  412: schemas.error,
  422: schemas.error,
  503: schemas.error,
};

/** Every endpoint there is. */
export const endpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/api',
    summary: 'This list.',
    open: false,
    responses: { 200: schemas.index },
    answer: () => ({ status: 200, body: { name: 'fairlead', endpoints } }),
  },
  {
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'The description of this API in OpenAPI 3.1.',
    open: false,
    responses: { 200: { description: 'OpenAPI 3.1.', type: 'object', additionalProperties: true } },
    answer: (source) => ({ status: 200, body: openApi(endpoints, source.status()) }),
  },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process is alive; needs no token.',
    open: true,
    responses: { 200: schemas.alive },
    answer: () => ({ status: 200, body: { status: 'alive' } }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether every listener is open and every pool has a healthy backend; needs no token.',
    open: true,
    responses: { 200: schemas.readiness, 503: schemas.readiness },
    answer: (source) => {
      const readiness = source.readiness();
      return { status: readiness.ready ? 200 : 503, body: readiness };
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: "Metrics in Prometheus' text format.",
    open: false,
    responses: { 200: metricsSchema },
    answer: async (source) => ({ status: 200, ...(await source.metrics()) }),
  },
  {
    method: 'GET',
    path: '/api/status',
    summary: 'The process, its workers and its listeners with their real addresses.',
    open: false,
    responses: { 200: schemas.status },
    answer: (source) => ({ status: 200, body: source.status() }),
  },
  {
    method: 'GET',
    path: '/api/listeners',
    summary: 'Every listener with its routes.',
    open: false,
    responses: { 200: schemas.listeners },
    answer: (source) => ({ status: 200, body: source.listeners() }),
  },
  {
    method: 'GET',
    path: '/api/pools',
    summary: 'Every pool with its backends.',
    open: false,
    responses: { 200: schemas.pools },
    answer: (source) => ({ status: 200, body: source.pools() }),
  },
  {
    method: 'GET',
    path: '/api/pools/:pool',
    summary: 'One pool with its backends.',
    open: false,
    responses: { 200: schemas.pool, 404: schemas.error },
    answer: (source, { parameters: { pool: name = '' } }) => {
      const pool = source.pool(name);
      return pool === undefined
        ? { status: 404, body: noPool(source, name) }
        : { status: 200, body: pool, headers: tagOf(pool) };
    },
  },
  {
    method: 'PATCH',
    path: '/api/pools/:pool/backends/:id',
    summary: 'Sets the state or the weight of a backend, or both; what was set survives reloads.',
    open: false,
    fields: ifMatch,
    body: backendSettingsBody,
    responses: { 200: schemas.backend, ...changeErrors },
    answer: answerSet,
  },
  {
    method: 'POST',
    path: '/api/pools/:pool/backends',
    summary: 'Adds a backend, which has the checks and limits of its pool, and answers when its first probe is over.',
    open: false,
    fields: ifMatch,
    body: newBackendBody,
    responses: { 201: schemas.backend, ...changeErrors, 409: schemas.error },
    answer: answerAdd,
  },
  {
    method: 'DELETE',
    path: '/api/pools/:pool/backends/:id',
    summary: 'Drains a backend and removes it when it holds no leases: 202 until then, with how many are left.',
    open: false,
    fields: ifMatch,
    responses: { 200: schemas.removal, 202: schemas.removal, ...changeErrors, 409: schemas.error },
    answer: answerRemove,
  },
  {
    method: 'GET',
    path: '/api/bans',
    summary: 'Sources that are banned now, from which listener, why and until when.',
    open: false,
    responses: { 200: schemas.bans },
    answer: (source) => ({ status: 200, body: source.bans.list() }),
  },
  {
    method: 'POST',
    path: '/api/bans',
    summary: 'Bans an address from a listener, or from all that have a guard.',
    open: false,
    body: newBanBody,
    responses: { 201: schemas.banned, 422: schemas.error },
    answer: answerBan,
  },
  {
    method: 'DELETE',
    path: '/api/bans/:address',
    summary: 'Lifts the bans of an address, or of the /64 that it is in, and forgets what led to them.',
    open: false,
    responses: { 200: schemas.banned, 404: schemas.error },
    answer: answerLift,
  },
  {
    method: 'GET',
    path: '/api/pools/:pool/traffic',
    summary: 'The last ten minutes of a pool, second by second, as far as somebody was listening.',
    open: false,
    responses: { 200: schemas.trafficHistory, 404: schemas.error },
    answer: (source, { parameters: { pool: name = '' } }) =>
      source.pool(name) === undefined
        ? { status: 404, body: noPool(source, name) }
        : { status: 200, body: source.trafficHistory(name) },
  },
  ...configEndpoints,
  {
    method: 'GET',
    path: '/api/connections',
    summary: 'Connections and UDP flows that are open, and those of L4 that ended last.',
    open: false,
    query: {
      limit: 'At most so many of each, from 1 to 9999. Default: 100.',
      offset: 'Open ones to leave out before them, from 0 to 99999. Default: 0.',
      listener: 'Those of one listener.',
      protocol: 'Those of one protocol: http, tcp or udp.',
    },
    responses: { 200: schemas.connections, 400: schemas.error },
    answer: answerConnections,
  },
  {
    method: 'GET',
    path: '/api/events',
    summary:
      'What happens, as server-sent events: the `last` (50) ones, or those after `Last-Event-ID`; all `kinds`, or these; with `traffic=true` also what flows, once a second.',
    open: false,
    query: {
      last: 'How many of the latest events come first, from 0 to 9999. Default: 50.',
      kinds: 'Kinds of events, with commas between them. Default: all.',
      traffic: '`true` for what flows, once a second.',
    },
    fields: { 'Last-Event-ID': 'Id of the last event that was seen; those after it come first.' },
    responses: { 200: eventStreamSchema, 400: schemas.error, 503: schemas.error },
    endless: true,
    answer: answerEvents,
  },
];

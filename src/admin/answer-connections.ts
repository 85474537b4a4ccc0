import type { Answer, Asked } from './endpoint.ts';
import type { AdminSource, ConnectionsWanted } from './source.ts';

const protocols = ['http', 'tcp', 'udp'] as const;

/** Shows a part of the connections, or says what is wrong with what was asked. */
export async function answerConnections(source: AdminSource, { parameters }: Asked): Promise<Answer> {
  const { limit = '100', offset = '0', listener, protocol } = parameters;
  if (!/^[1-9]\d{0,3}$/.test(limit)) return badRequest('limit is no number from 1 to 9999');
  if (!/^\d{1,5}$/.test(offset)) return badRequest('offset is no number from 0 to 99999');
  if (protocol !== undefined && !isProtocol(protocol)) return badRequest('protocol is not http, tcp or udp');
  const wanted = { limit: Number(limit), offset: Number(offset), listener, protocol };
  return { status: 200, body: await source.connections(wanted) };
}

function isProtocol(text: string): text is NonNullable<ConnectionsWanted['protocol']> {
  return protocols.some((protocol) => protocol === text);
}

function badRequest(message: string): Answer {
  return { status: 400, body: { error: 'bad-request', message } };
}

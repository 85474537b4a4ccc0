import { Buffer } from 'node:buffer';
import type { ExplainedAction, ExplainRequest } from '../../admin/explain-schema.ts';
import type { Config, HttpListenerConfig, RouteConfig } from '../../config/schema.ts';
import { joinedEdit } from '../../http1/head-edit.ts';
import { parseRequestHead, RequestHead } from '../../http1/request-head.ts';
import { type RequestRewrite, requestOut } from '../../http1/request-out.ts';
import { type ErrorCode, errorStatus } from '../../proxy/error-response.ts';
import { HeadFacts } from '../../proxy/head-facts.ts';
import { clientSource, hintFor, unsafePath } from '../../proxy/http-policy.ts';
import { compile } from '../../route/compile.ts';
import { redirectLocation, targetRewrite } from '../../route/rewrite.ts';
import { formatAddress } from '../../support/address.ts';
import { cidrSet } from '../../support/cidr.ts';
import { unforgeableFields } from '../plan.ts';
import { routePlan } from '../plan-route.ts';
import { sessionOf } from './determined.ts';
import { determinedBy, type Found, forbidding, nothingFound, poolShare } from './found.ts';
import { editsInWords, settingsInWords } from './route-words.ts';
import type { Target } from './target.ts';

/** An http listener that is asked about a request. */
export interface HttpAsked {
  readonly config: Config;
  readonly name: string;
  readonly listener: HttpListenerConfig;
  readonly target: Target;
  readonly request: ExplainRequest;
}

/** A request whose head was understood. */
interface Understood {
  readonly head: RequestHead;
  readonly body: Buffer | undefined;
  readonly peer: string;
  readonly source: string;
  readonly trusted: boolean;
}

/** Plays a request on the routes of an http listener, by the code that serves. */
export function explainHttp(asked: HttpAsked): Found {
  const { listener, request } = asked;
  const peer = request.source ?? '127.0.0.1';
  const trusts = (address: string): boolean => cidrSet(listener.trustProxies).has(address);
  const trusted = trusts(peer);
  const barred = trusted ? undefined : forbidding(listener, peer);
  if (barred !== undefined) return refused(nothingFound(peer), 'forbidden', barred);

  const head = new RequestHead();
  const body = request.body === undefined ? undefined : Buffer.from(request.body);
  const bytes = Buffer.from(writeHead(asked, body));
  const end = parseRequestHead(head, bytes, { start: 0, end: bytes.length }, listener.limits.headerBytes);
  if (end < 0) return refused(nothingFound(peer), malformedCode(head), head.problem || 'the head does not end');

  const source = trusted ? clientSource(peer, head.get('x-forwarded-for'), trusts) : peer;
  const behind = trusted ? forbidding(listener, source) : undefined;
  if (behind !== undefined) return refused(nothingFound(source), 'forbidden', behind);
  const { bodyBytes } = listener.limits;
  if (bodyBytes > 0 && Math.max(head.contentLength, body?.length ?? 0) > bodyBytes)
    return refused(nothingFound(source), 'body-too-large', `the body is larger than ${bodyBytes} bytes`);
  return withRoute(asked, { head, body, peer, source, trusted });
}

function malformedCode({ tooLarge, unsupported }: RequestHead): ErrorCode {
  if (tooLarge) return 'head-too-large';
  return unsupported ? 'not-implemented' : 'bad-request';
}

function refused(found: Found, code: ErrorCode, message: string): Found {
  return { ...found, outcome: 'refused', refusal: { code, status: errorStatus[code], message } };
}

/** The head as a client would send it. */
function writeHead({ target, request, listener }: HttpAsked, body: Buffer | undefined): string {
  const fields = Object.entries(request.headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
  const has = (name: string): boolean => fields.some(([field]) => field.toLowerCase() === name);
  const host = target.authority || formatAddress(listener.bind[0]!).replace(/^:|^unix:.*/, 'localhost:');
  if (!has('host')) fields.unshift(['Host', host.replace(/:$/, '')]);
  if (body !== undefined && !has('content-length') && !has('transfer-encoding'))
    fields.push(['Content-Length', String(body.length)]);
  const method = request.method ?? (body === undefined ? 'GET' : 'POST');
  return `${method} ${target.path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function withRoute(asked: HttpAsked, understood: Understood): Found {
  const { listener } = asked;
  const { head, body, source } = understood;
  const within = (limit: number) => (body !== undefined && body.length <= limit ? body : null);
  const held = body === undefined ? undefined : { within };
  const router = compile(listener.routes.map((route) => ({ name: route.name, match: route.match, payload: route })));
  const { route: taken, refusal, steps } = router.explain(new HeadFacts(head).load(source, held));
  const found: Found = {
    ...nothingFound(source),
    steps: steps.map((step) => ({ ...step, failures: [...step.failures] })),
  };
  if (refusal !== undefined) return refused(found, 'no-route', `it cannot be told safely: ${refusal}`);
  if (taken === undefined) return found;
  const route = listener.routes[taken.index]!;
  return actedOn({ ...found, outcome: 'matched', route: { ...taken } }, { ...asked, ...understood, route });
}

type Taken = HttpAsked & Understood & { readonly route: RouteConfig };

function actedOn(found: Found, taken: Taken): Found {
  const { route, head, config, listener } = taken;
  const session = sessionOf(route, head, { pools: config.pools, secure: listener.tls !== undefined });
  const settings = settingsInWords(route, { ...taken, session });
  const edits = editsInWords(route);
  const { action, match } = route;
  const own = { kind: action.kind, pools: [], status: null, location: null, body: null };
  if (action.kind === 'respond') {
    const { status, body } = action;
    return { ...found, settings, changes: edits, action: { ...own, status, body } };
  }
  if (action.kind === 'redirect') {
    const location = redirectLocation(action, match.path ?? [])(head.originTarget);
    if (location === undefined) return refused(found, unsafePath.code, unsafePath.cause);
    return { ...found, settings, changes: edits, action: { ...own, status: action.status, location } };
  }
  const rewritten = rewriteOf(taken);
  if (rewritten === 'unsafe') return refused(found, unsafePath.code, unsafePath.cause);
  const pools = sharesOf(taken);
  // The key of a session in a header or the query takes the place of the pool's own.
  const byPool = session?.key !== undefined && route.sticky?.kind !== 'cookie' ? undefined : determinedBy(pools);
  return {
    ...found,
    settings,
    determined: session?.place ?? byPool,
    changes: [...rewriteWords(head, rewritten), ...edits],
    action: { ...own, pools },
    backendHead: backendHead(taken, rewritten),
  };
}

function sharesOf({ config, route, head, source }: Taken): ExplainedAction['pools'] {
  const split = route.action.kind === 'pool' ? route.action.split : [];
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  return split.map(({ pool: name, weight }) => {
    const pool = config.pools[name]!;
    const { key } = hintFor({ hashKey: pool.balance.key }, head, source);
    const share = split.length === 1 ? 1 : weight / (total || 1);
    return poolShare(name, pool, { share, key });
  });
}

function rewriteOf({ route: { rewrite, match }, head }: Taken): RequestRewrite | undefined | 'unsafe' {
  if (rewrite === undefined) return undefined;
  const rewriteTarget = targetRewrite(rewrite, match.path ?? []);
  const target = rewriteTarget?.(head.originTarget);
  if (rewriteTarget !== undefined && target === undefined) return 'unsafe';
  return { target, host: rewrite.host === 'backend' ? '' : rewrite.host };
}

function rewriteWords(head: RequestHead, rewrite: RequestRewrite | undefined): string[] {
  if (rewrite === undefined) return [];
  const { target, host } = rewrite;
  const words = [];
  if (target !== undefined)
    words.push(target === head.originTarget ? `target: stays ${target}` : `target: ${head.originTarget} → ${target}`);
  if (host !== undefined) words.push(`host: ${head.authority} → ${host || 'the address of the backend'}`);
  return words;
}

/** The head that goes out, with words in the place of what is told only when it does. */
function backendHead(
  { config, listener, route, head, peer, trusted }: Taken,
  rewrite: RequestRewrite | undefined,
): string {
  const plan = routePlan(route, 0, { unforgeable: unforgeableFields(config), tracing: undefined });
  const out = requestOut(head, {
    peer,
    proto: listener.tls === undefined ? 'http' : 'https',
    trusted,
    makeId: () => '(a new id)',
    localAuthority: () => formatAddress(listener.bind[0]!),
    continued: false,
    rewrite,
    edit: joinedEdit(plan.headers.request),
    lines: '',
  });
  const host = out.hostAt < 0 ? '' : 'Host: (the address of the backend)\r\n';
  const text = out.hostAt < 0 ? out.text : out.text.slice(0, out.hostAt) + host + out.text.slice(out.hostAt);
  return Buffer.from(text, 'latin1').toString().replaceAll('\r\n', '\n').trimEnd();
}

/**
 * An OAuth 2.0 provider that is just enough to log in against: the authorization code flow with PKCE (RFC 6749 §4.1, RFC
 * 7636). It lets in whoever types a name, forgets everything when it ends, and is no model for a real one.
 */
import { createHash, randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';

/** The one application that may use it. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  /** Where codes are sent, and nowhere else. */
  readonly redirectUri: string;
}

interface Grant {
  readonly user: string;
  readonly challenge: string;
  readonly expiresAt: number;
}

const CODE_LIFE_MS = 60_000;
const TOKEN_LIFE_S = 300;

const token = (): string => randomBytes(24).toString('base64url');

/** Id and secret of an application, each encoded as in a form (RFC 6749 §2.3.1). */
function credentialsIn(field: string): string[] {
  const text = Buffer.from(field.replace('Basic ', ''), 'base64').toString();
  return text.split(':').map((part) => new URLSearchParams(`_=${part}`).get('_') ?? '');
}

/** Makes the provider; it does not listen yet. */
export function makeProvider(client: Client): FastifyInstance {
  const app = fastify();
  const codes = new Map<string, Grant>();
  const users = new Map<string, string>();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );

  app.get<{ Querystring: Record<string, string> }>('/authorize', (request, reply) => {
    const { client_id, redirect_uri, response_type, code_challenge_method, ...rest } = request.query;
    const known = client_id === client.id && redirect_uri === client.redirectUri;
    if (!known || response_type !== 'code' || code_challenge_method !== 'S256')
      return reply.code(400).send('this is no application of ours\n');
    const hidden = ['state', 'code_challenge'].map((name) => {
      const value = (rest[name] ?? '').replace(/[^\w.~-]/g, '');
      return `<input type="hidden" name="${name}" value="${value}">`;
    });
    return reply
      .type('text/html')
      .send(
        `<form method="post">Who are you? <input name="user" required> ${hidden.join('')}<button>Log in</button></form>`,
      );
  });

  app.post<{ Body: Record<string, string> }>('/authorize', (request, reply) => {
    const { user = '', state = '', code_challenge = '' } = request.body;
    if (!/^\w{1,32}$/.test(user)) return reply.code(400).send('a name is 1 to 32 letters and digits\n');
    const code = token();
    codes.set(code, { user, challenge: code_challenge, expiresAt: Date.now() + CODE_LIFE_MS });
    const query = new URLSearchParams({ code, state });
    return reply.redirect(`${client.redirectUri}?${query}`, 303);
  });

  app.post<{ Body: Record<string, string> }>('/token', (request, reply) => {
    const { code = '', code_verifier = '', redirect_uri } = request.body;
    const [id, secret] = credentialsIn(request.headers.authorization ?? '');
    if (id !== client.id || secret !== client.secret) return reply.code(401).send({ error: 'invalid_client' });
    const grant = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256').update(code_verifier).digest('base64url');
    const fits = grant?.challenge === challenge && grant.expiresAt > Date.now() && redirect_uri === client.redirectUri;
    if (!fits) return reply.code(400).send({ error: 'invalid_grant' });
    const access = token();
    users.set(access, grant.user);
    setTimeout(() => users.delete(access), TOKEN_LIFE_S * 1000).unref();
    return { access_token: access, token_type: 'Bearer', expires_in: TOKEN_LIFE_S };
  });

  app.get('/userinfo', (request, reply) => {
    const user = users.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
    return user === undefined ? reply.code(401).send({ error: 'invalid_token' }) : { sub: user };
  });
  return app;
}

/**
 * A Fastify app that asks who somebody is before a request goes to a pool: it lets people log in at an OAuth provider, gives
 * them a JWT in a cookie, and takes a JWT in `Authorization: Bearer` from programs. What is below /api goes to the pool with
 * the name of the user in X-User.
 */
import cookie from '@fastify/cookie';
import jwt from '@fastify/jwt';
import oauth2, { type OAuth2Namespace } from '@fastify/oauth2';
import fastify, { type FastifyInstance } from 'fastify';
// In a project of yours: from 'fairlead/fastify'.
import { fairleadProxy } from '../../src/fastify/index.ts';
import type { Client } from './provider.ts';

declare module 'fastify' {
  interface FastifyInstance {
    provider: OAuth2Namespace;
  }
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string };
    user: { sub: string };
  }
}

/** What the gateway works with. */
export interface GatewayOptions {
  readonly client: Client;
  /** Address of the provider, such as `http://127.0.0.1:4500`. */
  readonly provider: string;
  readonly backends: readonly string[];
  /** What JWTs are signed with; the same in every process that takes them. */
  readonly jwtSecret: string;
  /** Whether browsers send the cookies over TLS only. */
  readonly secure: boolean;
}

const SESSION = 'session';
const LIFE_S = 3600;
const ISSUER = 'fairlead-login-example';

/** Makes the gateway; it does not listen yet. */
export async function makeGateway(options: GatewayOptions): Promise<FastifyInstance> {
  const { client, provider, backends, jwtSecret, secure } = options;
  const app = fastify();
  const cookies = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  await app.register(cookie);
  await app.register(jwt, {
    secret: jwtSecret,
    cookie: { cookieName: SESSION, signed: false },
    sign: { algorithm: 'HS256', expiresIn: LIFE_S, iss: ISSUER },
    verify: { algorithms: ['HS256'], allowedIss: ISSUER },
  });
  await app.register(oauth2, {
    name: 'provider',
    credentials: {
      client: { id: client.id, secret: client.secret },
      auth: { tokenHost: provider, tokenPath: '/token', authorizeHost: provider, authorizePath: '/authorize' },
    },
    startRedirectPath: '/login',
    callbackUri: client.redirectUri,
    scope: ['profile'],
    pkce: 'S256',
    cookie: cookies,
  });

  app.get('/login/callback', async (request, reply) => {
    // Checks the state of the cookie against that of the URL, and sends the verifier of PKCE.
    const granted = await app.provider.getAccessTokenFromAuthorizationCodeFlow(request, reply).catch(() => undefined);
    if (granted === undefined) return reply.code(401).send('that was no login: begin again at /login\n');
    const { token } = granted;
    const answer = await fetch(`${provider}/userinfo`, { headers: { authorization: `Bearer ${token.access_token}` } });
    if (!answer.ok) return reply.code(502).send('the provider does not say who that is\n');
    const { sub } = (await answer.json()) as { sub: string };
    reply.setCookie(SESSION, await reply.jwtSign({ sub }), { ...cookies, maxAge: LIFE_S });
    return reply.redirect('/', 303);
  });

  app.post('/logout', (_request, reply) => reply.clearCookie(SESSION, cookies).redirect('/', 303));

  app.get('/', async (request) => {
    const user = await request.jwtVerify<{ sub: string }>().catch(() => undefined);
    return user === undefined
      ? 'Log in at /login.\n'
      : `You are ${user.sub}. Ask for /api/, log out by POST /logout.\n`;
  });

  await app.register(fairleadProxy, {
    prefix: '/api',
    pool: { backends: [...backends], balance: 'least-connections', health: { type: 'http', path: '/healthz' } },
    preHandler: async (request, reply) => {
      try {
        await request.jwtVerify();
      } catch {
        return reply.code(401).header('www-authenticate', 'Bearer').send('log in at /login, or send a token\n');
      }
      // In the place of whatever the client says of itself.
      request.headers['x-user'] = request.user.sub;
      return undefined;
    },
  });
  return app;
}

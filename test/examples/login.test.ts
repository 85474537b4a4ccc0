import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeGateway } from '../../examples/login/gateway.ts';
import { makeProvider } from '../../examples/login/provider.ts';
import { freePort } from '../support/kept-ports.ts';
import { closeOpened, remember } from '../support/opened.ts';

let url: string;
let sign: (user: string, more?: object) => string;

beforeAll(async () => {
  const ports = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const app = createServer((request, response) => response.end(`${name}: hello ${request.headers['x-user']}`));
      await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
      remember({ close: () => app.closeAllConnections() ?? app.close() });
      return (app.address() as AddressInfo).port;
    }),
  );
  const port = await freePort();
  const client = { id: 'gateway', secret: 'of the test', redirectUri: `http://127.0.0.1:${port}/login/callback` };
  const provider = remember(makeProvider(client));
  const gateway = await makeGateway({
    client,
    provider: await provider.listen({ port: 0, host: '127.0.0.1' }),
    backends: ports.map((one) => `127.0.0.1:${one}`),
    jwtSecret: 'a secret of the test, and a long one',
    secure: false,
  });
  remember(gateway);
  url = await gateway.listen({ port, host: '127.0.0.1' });
  sign = (sub, more) => gateway.jwt.sign({ sub }, more);
});
afterAll(closeOpened);

/** A browser, as far as it keeps cookies and shows where it is sent. */
class Browser {
  readonly #jar = new Map<string, string>();

  async ask(to: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(to, { redirect: 'manual', ...init, headers: { ...init.headers, cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line)!;
      this.#jar.set(name, value);
    }
    return answer;
  }

  /** Goes through the login up to where the provider sends the browser back to. */
  async logIn(user: string): Promise<string> {
    const start = await this.ask(`${url}/login`);
    const form = start.headers.get('location')!;
    const page = await (await fetch(form)).text();
    const fields = new URLSearchParams([...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map((m) => [m[1]!, m[2]!]));
    fields.set('user', user);
    const sent = await fetch(form, { method: 'POST', body: fields, redirect: 'manual' });
    return sent.headers.get('location')!;
  }
}

const api = (headers: Record<string, string>) => fetch(`${url}/api/`, { headers });

describe('examples/login', () => {
  it('lets nobody through without a login', async () => {
    expect((await api({})).status).toBe(401);
    expect((await api({ 'x-user': 'root', authorization: 'Bearer made.up.token' })).status).toBe(401);
    expect(await (await fetch(url)).text()).toBe('Log in at /login.\n');
  });

  it('logs in by OAuth, and the backends hear who it is', async () => {
    const browser = new Browser();
    const back = await browser.ask(await browser.logIn('ann'));
    expect([back.status, back.headers.get('location')]).toEqual([303, '/']);
    expect(back.headers.getSetCookie().join()).toMatch(/session=[^;]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax/);
    expect(await (await browser.ask(url)).text()).toMatch(/^You are ann\./);
    const answers = [];
    for (let n = 0; n < 4; n++) {
      const answer = await browser.ask(`${url}/api/`, { headers: { 'x-user': 'root' } });
      answers.push(await answer.text());
    }
    expect(answers.toSorted()).toEqual(['a: hello ann', 'a: hello ann', 'b: hello ann', 'b: hello ann']);
    await browser.ask(`${url}/logout`, { method: 'POST' });
    expect((await browser.ask(`${url}/api/`)).status).toBe(401);
  });

  it('takes no code twice, nor one that another browser has got', async () => {
    const browser = new Browser();
    const callback = await browser.logIn('ann');
    expect((await new Browser().ask(callback)).status).toBe(401);
    expect((await browser.ask(callback)).status).toBe(303);
    expect((await browser.ask(callback)).status).toBe(401);
  });

  it('takes the token of a program, and no token that is old or of somebody else', async () => {
    const answer = await api({ authorization: `Bearer ${sign('robot')}` });
    expect(await answer.text()).toMatch(/^[ab]: hello robot$/);
    for (const more of [{ iss: 'somebody else' }, { clockTimestamp: Date.now() - 3_601_000 }])
      expect((await api({ authorization: `Bearer ${sign('robot', more)}` })).status, JSON.stringify(more)).toBe(401);
  });
});

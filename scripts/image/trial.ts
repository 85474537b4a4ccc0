import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Output } from '../output.ts';
import type { ImageConfig } from './dockerfile.ts';
import type { Root, RunOptions } from './root.ts';

const token = 'token-of-the-trial';
/** How long anything may take, in ms. */
const PATIENCE_MS = 30_000;
/** The exit code of a process that SIGTERM has ended at once. */
const KILLED_BY_SIGTERM = 128 + 15;

/** Stands for app-1 to app-3: says that it is well, and takes three seconds for /slow. */
const backend = `
require('node:http').createServer((request, response) => {
  setTimeout(() => response.end('from ' + request.headers.host), request.url === '/slow' ? 3000 : 0);
}).listen(3000, () => console.log('open'));
`;

const client = `
const [url, authorization] = process.argv.slice(1);
fetch(url, { headers: authorization ? { authorization } : {} })
  .then(async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })),
        (error) => console.log(JSON.stringify({ status: 0, text: String(error.cause ?? error) })));
`;

/** What a request was answered; the status is 0 when it was not. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One start of the image. */
class Container {
  readonly ended: Promise<number>;
  readonly #outer: ChildProcess;
  readonly #output: Output;

  constructor(outer: ChildProcess) {
    this.#outer = outer;
    this.#output = new Output(outer);
    this.ended = once(outer, 'close').then(([code]) => code as number);
  }

  get output(): string {
    return this.#output.text;
  }

  /** The id, outside, of what is process 1 inside. */
  get pid(): number {
    const { pid } = this.#outer;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
  }

  /** As the kernel tells it. */
  facts(): Readonly<Record<string, string>> {
    const lines = readFileSync(`/proc/${this.pid}/status`, 'utf8').trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/:\s+/, 2) as [string, string]));
  }

  signal(name: string): void {
    process.kill(this.pid, name as NodeJS.Signals);
  }

  /** Ends it however it is. Its process 1 has to be killed itself: as another user it no longer dies with its parent. */
  async kill(): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) this.signal('SIGKILL');
    await this.ended;
  }
}

/** Starts an image again and again, and says what holds; throws at the first thing that does not. */
export class Trial {
  readonly #root: Root;
  readonly #config: ImageConfig;
  readonly #network: string;
  readonly #started: Container[] = [];

  constructor(root: Root, config: ImageConfig, network: string) {
    this.#root = root;
    this.#config = config;
    this.#network = network;
  }

  async all(): Promise<void> {
    this.#content();
    const apps = spawn('ip', ['netns', 'exec', this.#network, process.execPath, '-e', backend]);
    await once(apps.stdout, 'data');
    try {
      await this.#withoutToken();
      const before = this.#files();
      await this.#running();
      await this.#drains();
      await this.#secondSignal();
      say(this.#files() === before, 'no file was written, changed or removed, not even in /tmp');
    } finally {
      for (const container of this.#started) await container.kill();
      apps.kill();
      await once(apps, 'close');
    }
  }

  #content(): void {
    console.log('what is in it');
    const own = join(this.#root.folder, this.#config.workdir);
    say(
      readdirSync(own).sort().join(' ') === 'LICENSE config dist node_modules package.json src',
      'what Fairlead needs',
    );
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
    const has = (name: string) => readdirSync(join(own, 'node_modules', name)).includes('package.json');
    say(Object.keys(dependencies).every(has), 'every dependency');
    const tools = ['typescript', 'vitest', 'esbuild', 'playwright-core'].filter((name) => name in devDependencies);
    const packages = readdirSync(join(own, 'node_modules'));
    say(tools.length === 4 && !tools.some((name) => packages.includes(name)), 'no tool of development');
    const writable = execFileSync('find', [
      own,
      '(',
      '!',
      '-user',
      'root',
      '-o',
      '-perm',
      '-o=w',
      '!',
      '-type',
      'l',
      ')',
    ]);
    say(writable.length === 0, 'nothing that belongs to its user, or that anybody may write');
  }

  async #withoutToken(): Promise<void> {
    console.log('without FAIRLEAD_TOKEN');
    const container = this.#start({});
    say((await container.ended) === 1, 'it ends with 1');
    say(/FAIRLEAD_TOKEN/.test(container.output), 'and says which variable it wants');
  }

  async #running(): Promise<void> {
    console.log('running');
    const container = await this.#startOpen();
    const { NSpid, Uid, CapEff, CapBnd, NoNewPrivs } = container.facts();
    say(NSpid!.endsWith('\t1'), 'it is process 1');
    say(/^1000\t1000\t1000\t1000$/.test(Uid!), `it is the user ${this.#config.user}`);
    say(/^0+$/.test(CapEff!) && /^0+$/.test(CapBnd!) && NoNewPrivs === '1', 'it has no capability and can get none');
    const { code, output } = this.#beside(container, ['sh', '-c', 'touch /app/x; touch /tmp/x; touch /etc/x']);
    say(code !== 0 && output.match(/Read-only file system/g)?.length === 3, 'the root file system is read-only');
    await this.#answers();
    say(this.#health(container) === 0, 'its health check says that it is healthy');
    container.signal('SIGSTOP');
    say(this.#health(container) === 1, 'and while it hangs that it is not');
    container.signal('SIGCONT');
    await until(() => this.#health(container) === 0, 'and that it is again when it goes on');
    container.signal('SIGHUP');
    const reloaded = async () => /^fairlead_config_generation 2$/m.test((await this.#metrics()).text);
    await until(reloaded, 'SIGHUP loads the config again');
    container.signal('SIGINT');
    say((await container.ended) === 0, 'SIGINT ends it with 0');
  }

  /** Every port that the image names, on both layers, and who may see the metrics. */
  async #answers(): Promise<void> {
    const [web, raw, admin] = this.#config.ports;
    for (const [layer, port] of [
      ['L7', web],
      ['L4', raw],
    ] as const)
      say((await this.#ask(`http://127.0.0.1:${port}/`)).text.startsWith('from '), `${layer} answers on ${port}`);
    const closed = await this.#ask(`http://127.0.0.1:${admin}/metrics`);
    const wrong = await this.#ask(`http://127.0.0.1:${admin}/metrics`, 'Bearer something');
    say(closed.status === 401 && wrong.status === 401, `the admin server on ${admin} wants the token`);
    say((await this.#metrics()).text.includes('fairlead_backend_up'), 'and answers with it');
    const page = await this.#ask(`http://127.0.0.1:${admin}/dashboard/app.js`);
    say(page.status === 200 && page.text.length > 10_000, 'the dashboard is there');
  }

  async #drains(): Promise<void> {
    console.log('stopping');
    const { container, slow } = await this.#startBusy();
    container.signal(this.#config.stopSignal);
    say((await slow).status === 200, `${this.#config.stopSignal} lets it finish`);
    say((await container.ended) === 0, 'and then ends it with 0');
    say((await this.#ask(`http://127.0.0.1:${this.#config.ports[0]}/`)).status === 0, 'nothing answers any more');
  }

  async #secondSignal(): Promise<void> {
    const { container, slow } = await this.#startBusy();
    container.signal(this.#config.stopSignal);
    await until(() => container.output.includes('draining'), 'it drains');
    container.signal(this.#config.stopSignal);
    say((await container.ended) === KILLED_BY_SIGTERM, `a second ${this.#config.stopSignal} ends it at once`);
    await slow;
  }

  #options(env: Readonly<Record<string, string>>): RunOptions {
    const { workdir, user } = this.#config;
    const path = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/' };
    return { cwd: workdir, user, env: { ...path, ...this.#config.env, ...env }, sealed: true, network: this.#network };
  }

  #start(env: Readonly<Record<string, string>>): Container {
    const container = new Container(this.#root.start(this.#config.command, this.#options(env)));
    this.#started.push(container);
    return container;
  }

  async #startOpen(): Promise<Container> {
    const container = this.#start({ FAIRLEAD_TOKEN: token });
    void container.ended.then((code) => {
      if (code === 1) console.error(container.output);
    });
    await until(
      async () => (await this.#ask(`http://127.0.0.1:${this.#config.ports[2]}/readyz`)).status === 200,
      'it is ready',
    );
    return container;
  }

  /** With a request under way that takes a while. */
  async #startBusy(): Promise<{ readonly container: Container; readonly slow: Promise<Answer> }> {
    const container = await this.#startOpen();
    const slow = this.#ask(`http://127.0.0.1:${this.#config.ports[0]}/slow`);
    await until(async () => /_active\{[^}]*\} 1$/m.test((await this.#metrics()).text), 'a request is under way');
    return { container, slow };
  }

  #beside(container: Container, command: readonly string[]): { code: number; output: string } {
    return this.#root.beside(container.pid, command, this.#options({ FAIRLEAD_TOKEN: token }));
  }

  #health(container: Container): number {
    return this.#beside(container, this.#config.health).code;
  }

  #metrics(): Promise<Answer> {
    return this.#ask(`http://127.0.0.1:${this.#config.ports[2]}/metrics`, `Bearer ${token}`);
  }

  async #ask(url: string, authorization = ''): Promise<Answer> {
    const inside = ['netns', 'exec', this.#network, process.execPath, '-e', client, url, authorization];
    const asking = spawn('ip', inside, { stdio: ['ignore', 'pipe', 'inherit'] });
    const texts = await asking.stdout.toArray();
    return JSON.parse(Buffer.concat(texts).toString()) as Answer;
  }

  /** Every file of the root with its size, owner, mode and times. */
  #files(): string {
    const wanted = '%p %s %U %m %T@ %C@\n';
    const options = { encoding: 'utf8', maxBuffer: 64 << 20 } as const;
    return execFileSync('find', [this.#root.folder, '-printf', wanted], options);
  }
}

function say(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`);
  console.log(`  ${what}`);
}

/** Waits until it holds, and says so. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`does not come to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(`  ${what}`);
}

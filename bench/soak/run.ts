import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readResidentBytes } from '../lib/cpu-time.ts';
import { type RunningFairlead, startFairlead } from '../lib/fairlead.ts';
import { readMetrics } from '../lib/metrics.ts';
import { freePorts } from '../lib/ports.ts';
import type { ProcessGroup, RunningProcess } from '../lib/processes.ts';
import { MortalBackend } from './backends.ts';
import { KEPT_MS, type SoakPorts, soakConfig } from './config.ts';
import { httpWork } from './http-work.ts';
import { l4Work } from './l4-work.ts';
import { countFiles, type Reading, readAtRest } from './readings.ts';
import { Tally } from './tally.ts';

/** How long and how hard. */
export interface SoakOptions {
  readonly warmUpS: number;
  readonly durationS: number;
  /** Pieces of each kind of work at a time. */
  readonly lanes: number;
  /** Seconds between two reloads, and between two deaths of a backend. */
  readonly reloadEveryS: number;
  readonly killEveryS: number;
}

/** How Fairlead stood at one moment of the run, under load. */
export interface Moment {
  readonly atS: number;
  readonly residentBytes: number;
  readonly files: number;
  readonly done: number;
}

/** All that was found. */
export interface SoakResults {
  readonly options: SoakOptions;
  readonly tally: Tally;
  readonly reloads: number;
  readonly deaths: number;
  readonly moments: readonly Moment[];
  readonly before: Reading;
  readonly after: Reading;
}

const BACKENDS = 3;
/** Between two pieces of work of one lane, at most, in ms: enough churn, and the machine stays usable. */
const PAUSE_MS = 60;
/** How long a killed backend stays away, in ms. */
const AWAY_MS = 1500;
const MOMENTS = 20;

/** One soak. `onMoment` hears how it stands now and then. Rejects when Fairlead ends or refuses a config. */
export class Soak {
  readonly #group: ProcessGroup;
  readonly #options: SoakOptions;
  readonly #onMoment: (moment: Moment) => void;
  readonly #ports: SoakPorts;
  readonly #backends: readonly MortalBackend[];
  #running!: RunningFairlead;
  #tally = new Tally();
  #reloads = 0;
  #deaths = 0;

  private constructor(
    group: ProcessGroup,
    options: SoakOptions,
    onMoment: (moment: Moment) => void,
    { ports, backends }: { ports: SoakPorts; backends: readonly MortalBackend[] },
  ) {
    this.#group = group;
    this.#options = options;
    this.#onMoment = onMoment;
    this.#ports = ports;
    this.#backends = backends;
  }

  /** Starts everything in `group`, runs to the end, and tells what was found. */
  static async run(
    group: ProcessGroup,
    options: SoakOptions,
    onMoment: (moment: Moment) => void,
  ): Promise<SoakResults> {
    const [http, tcp, udp, admin] = (await freePorts(4)) as [number, number, number, number];
    const backends = await MortalBackend.startAll(group, BACKENDS);
    const soak = new Soak(group, options, onMoment, { ports: { http, tcp, udp, admin }, backends });
    await soak.#startFairlead();
    return soak.#run();
  }

  async #startFairlead(): Promise<void> {
    const { http, tcp, admin } = this.#ports;
    const config = this.#config(0);
    const nodeFlags = ['--inspect=127.0.0.1:0'];
    this.#running = await startFairlead(this.#group, { config, ports: [http, tcp, admin], nodeFlags });
  }

  #config(round: number): string {
    return soakConfig(this.#ports, this.#backends, round);
  }

  get #fairlead(): RunningProcess {
    return this.#running.process;
  }

  async #run(): Promise<SoakResults> {
    // Code is compiled and pools fill in the first round, by the same work as later.
    await this.#load(this.#options.warmUpS, () => {});
    const before = await this.#rest();
    this.#tally = new Tally();
    [this.#reloads, this.#deaths] = [0, 0];
    const moments: Moment[] = [];
    await this.#load(this.#options.durationS, (moment) => {
      moments.push(moment);
      this.#onMoment(moment);
    });
    const after = await this.#rest();
    const [reloads, deaths] = [this.#reloads, this.#deaths];
    return { options: this.#options, tally: this.#tally, reloads, deaths, moments, before, after };
  }

  /** Everybody back, the first config in force, nobody asking. */
  async #rest(): Promise<Reading> {
    await this.#reload(0);
    return readAtRest(this.#fairlead, this.#ports.admin, 2 * KEPT_MS);
  }

  /** All kinds of work, reloads and deaths together for so long; over when the last piece has ended. */
  async #load(seconds: number, onMoment: (moment: Moment) => void): Promise<void> {
    const startedAt = performance.now();
    const isOn = () => performance.now() - startedAt < seconds * 1000 && this.#fairlead.alive();
    const work = { ...httpWork(this.#ports.http), ...l4Work(this.#ports.tcp, this.#ports.udp) };
    const lanes = Object.entries(work).flatMap(([kind, piece]) =>
      Array.from({ length: this.#options.lanes }, async () => {
        while (isOn()) {
          const [result, detail] = await piece();
          this.#tally.add(kind, result, detail);
          await wait(Math.random() * PAUSE_MS);
        }
      }),
    );
    await Promise.all([
      ...lanes,
      this.#reloadNowAndThen(isOn),
      this.#killNowAndThen(isOn),
      this.#watch(seconds, isOn, onMoment),
    ]);
    if (!this.#fairlead.alive()) throw new Error(`fairlead ended\n${this.#fairlead.output()}`);
  }

  async #reloadNowAndThen(isOn: () => boolean): Promise<void> {
    for (let round = 1; isOn(); round++) {
      await this.#reload(round);
      await wait(this.#options.reloadEveryS * 1000);
    }
  }

  async #reload(round: number): Promise<void> {
    const generation = async () =>
      Number(/^fairlead_config_generation (\d+)/m.exec(await readMetrics(this.#ports.admin))?.[1]);
    const before = await generation();
    writeFileSync(this.#running.configPath, this.#config(round));
    this.#fairlead.child.kill('SIGHUP');
    const deadline = performance.now() + RELOAD_PATIENCE_MS;
    while ((await generation()) === before) {
      if (performance.now() > deadline) throw new Error(`no reload\n${this.#fairlead.output()}`);
      await wait(50);
    }
    this.#reloads++;
  }

  async #killNowAndThen(isOn: () => boolean): Promise<void> {
    for (let turn = 0; isOn(); turn++) {
      await wait(this.#options.killEveryS * 1000);
      if (!isOn()) return;
      const backend = this.#backends[turn % this.#backends.length]!;
      await backend.kill();
      await wait(AWAY_MS);
      await backend.start();
      this.#deaths++;
    }
  }

  async #watch(seconds: number, isOn: () => boolean, onMoment: (moment: Moment) => void): Promise<void> {
    const startedAt = performance.now();
    const { pid } = this.#fairlead;
    for (let i = 1; i <= MOMENTS && isOn(); i++) {
      await wait(Math.max(0, startedAt + (i * seconds * 1000) / (MOMENTS + 1) - performance.now()));
      const done = this.#tally.total('good') + this.#tally.total('failed') + this.#tally.total('wrong');
      const atS = (performance.now() - startedAt) / 1000;
      onMoment({ atS, residentBytes: readResidentBytes(pid), files: countFiles(pid), done });
    }
  }
}

const RELOAD_PATIENCE_MS = 20_000;

import { isDeepStrictEqual } from 'node:util';
import type { BackendConfig, Config } from '../config/schema.ts';

/** What an operator wants of a backend: all load, only that of sessions it has, or none. */
export type BackendState = 'enabled' | 'draining' | 'disabled';

/** What was set on a backend. */
export interface Setting {
  readonly state: BackendState;
  /** Undefined where that of the config holds. */
  readonly weight: number | undefined;
  /** True when it is to be removed as soon as it holds no leases. */
  readonly leaving: boolean;
}

/** What was changed in a pool. */
interface PoolChanges {
  /** With the backend as it was listed when it was changed. */
  readonly set: ReadonlyMap<string, { readonly setting: Setting; readonly was: BackendConfig }>;
  readonly added: readonly BackendConfig[];
  /** As they stand in the config. */
  readonly removed: readonly BackendConfig[];
}

const unchanged: PoolChanges = { set: new Map(), added: [], removed: [] };
const unset: Setting = { state: 'enabled', weight: undefined, leaving: false };

/** Changes that hold on with another config, and in words which do not. */
export interface Rebased {
  readonly changes: Changes;
  readonly replaced: readonly string[];
}

/**
 * What an operator has changed at run time: it lies over the config, and over the next one too, as far as that has not
 * changed the same thing. Never changes itself; each step gives new ones.
 */
export class Changes {
  // By `this`: the alias that the compiler gives the class where it stands for itself is not set yet here.
  static readonly none: Changes = new this(new Map());
  readonly #pools: ReadonlyMap<string, PoolChanges>;

  private constructor(pools: ReadonlyMap<string, PoolChanges>) {
    this.#pools = pools;
  }

  /** What was set on a backend. */
  settingOf(pool: string, backend: string): Setting {
    return this.#of(pool).set.get(backend)?.setting ?? unset;
  }

  /** The backends of a pool, with what the config says of each. */
  listed(config: Config, pool: string): BackendConfig[] {
    const { added, removed } = this.#of(pool);
    const listed = config.pools[pool]?.backends ?? [];
    return [...listed.filter(({ id }) => !has(removed, id)), ...added];
  }

  /** Sets something on a listed backend. */
  set(pool: string, backend: BackendConfig, setting: Partial<Setting>): Changes {
    const changes = this.#of(pool);
    const whole = { ...this.settingOf(pool, backend.id), ...setting };
    const { weight } = whole;
    const next = { ...whole, weight: weight === backend.weight ? undefined : weight };
    const set = new Map(changes.set);
    set.delete(backend.id);
    if (!isDeepStrictEqual(next, unset)) set.set(backend.id, { setting: next, was: backend });
    return this.#with(pool, { ...changes, set });
  }

  /** Adds a backend whose id is not listed. */
  add(pool: string, backend: BackendConfig): Changes {
    const changes = this.#of(pool);
    return this.#with(pool, { ...changes, added: [...changes.added, backend] });
  }

  /** Removes a listed backend, and with it what was set on it. */
  remove(pool: string, backend: BackendConfig): Changes {
    const changes = this.#of(pool);
    const set = new Map(changes.set);
    set.delete(backend.id);
    if (has(changes.added, backend.id)) {
      return this.#with(pool, { ...changes, set, added: changes.added.filter(({ id }) => id !== backend.id) });
    }
    return this.#with(pool, { ...changes, set, removed: [...changes.removed, backend] });
  }

  /** The config with the changes laid over it. */
  over(config: Config): Config {
    if (this.#pools.size === 0) return config;
    const pools = Object.entries(config.pools).map(([name, pool]) => {
      if (!this.#pools.has(name)) return [name, pool] as const;
      const backends = this.listed(config, name).map((backend) => {
        const { weight } = this.settingOf(name, backend.id);
        return weight === undefined ? backend : { ...backend, weight };
      });
      return [name, { ...pool, backends }] as const;
    });
    return { ...config, pools: Object.fromEntries(pools) };
  }

  /** What in a pool is other than in the config, in words. */
  inWords(pool: string): string[] {
    const { set, added, removed } = this.#of(pool);
    return [
      ...added.map(({ id }) => `${id} is added`),
      ...removed.map(({ id }) => `${id} is removed`),
      ...[...set].flatMap(([id, { setting, was }]) => settingInWords(id, setting, was)),
    ];
  }

  /** What of it holds on with the next config. Where the config itself has changed the same thing, the config holds. */
  rebase(next: Config): Rebased {
    const replaced: string[] = [];
    const pools = new Map<string, PoolChanges>();
    for (const [pool, changes] of this.#pools) {
      const listed = next.pools[pool]?.backends;
      if (listed === undefined)
        replaced.push(`pool ${pool} is gone, and what was changed in it: ${this.inWords(pool).join(', ')}`);
      else
        pools.set(
          pool,
          rebased(changes, listed, (what) => replaced.push(`pool ${pool}: ${what}`)),
        );
    }
    return { changes: new Changes(withoutEmpty(pools)), replaced };
  }

  #of(pool: string): PoolChanges {
    return this.#pools.get(pool) ?? unchanged;
  }

  #with(pool: string, changes: PoolChanges): Changes {
    return new Changes(withoutEmpty(new Map(this.#pools).set(pool, changes)));
  }
}

/** The changes of a pool that hold on when its config lists these backends. */
function rebased(changes: PoolChanges, listed: readonly BackendConfig[], say: (what: string) => void): PoolChanges {
  const now = new Map(listed.map((backend) => [backend.id, backend]));
  const removed = changes.removed.filter((was) => {
    const backend = now.get(was.id);
    if (backend === undefined || isDeepStrictEqual(backend, was)) return backend !== undefined;
    say(`${was.id}, which was removed, is back, since the config has changed it`);
    return false;
  });
  const hidden = new Set(removed.map(({ id }) => id));
  const added = changes.added.filter((backend) => {
    if (!now.has(backend.id) || hidden.has(backend.id)) return true;
    say(`${backend.id}, which was added, is as the config has it now`);
    return false;
  });
  const set = new Map<string, { setting: Setting; was: BackendConfig }>();
  for (const [id, { setting, was }] of changes.set) {
    const backend = added.find((each) => each.id === id) ?? now.get(id);
    if (backend === undefined || !isDeepStrictEqual(backend.address, was.address)) {
      say(`${settingInWords(id, setting, was).join(', ')}: the config has replaced that backend`);
      continue;
    }
    const keepsWeight = setting.weight === undefined || backend.weight === was.weight;
    if (!keepsWeight) say(`${id} has weight ${backend.weight}, not ${setting.weight}, since the config has changed it`);
    const kept = { ...setting, weight: keepsWeight && setting.weight !== backend.weight ? setting.weight : undefined };
    if (!isDeepStrictEqual(kept, unset)) set.set(id, { setting: kept, was: backend });
  }
  if (listed.length > hidden.size || added.length > 0) return { set, added, removed };
  say('every backend of the config was removed: they are back');
  return { set, added, removed: [] };
}

function settingInWords(id: string, { state, weight, leaving }: Setting, was: BackendConfig): string[] {
  const words: string[] = [];
  if (leaving) words.push(`${id} is ${state} and leaves`);
  else if (state !== 'enabled') words.push(`${id} is ${state}`);
  if (weight !== undefined) words.push(`${id} has weight ${weight}, not ${was.weight}`);
  return words;
}

function has(backends: readonly BackendConfig[], id: string): boolean {
  return backends.some((backend) => backend.id === id);
}

function withoutEmpty(pools: ReadonlyMap<string, PoolChanges>): ReadonlyMap<string, PoolChanges> {
  return new Map([...pools].filter(([, { set, added, removed }]) => set.size + added.length + removed.length > 0));
}

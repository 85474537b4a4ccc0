import { availableParallelism } from 'node:os';

/** The options that say which core does what. */
export const coreOptions = {
  'proxy-core': { about: 'the core of the proxy', default: 0 },
  'load-core': { about: 'the core of generator and backend', default: 1 },
};

/** The cores that proxy and load are pinned to: none where there is only one. */
export interface Cores {
  readonly proxyCore: number | undefined;
  readonly loadCore: number | undefined;
}

/** Reads them from the options. */
export function coresOf(options: { readonly 'proxy-core': number; readonly 'load-core': number }): Cores {
  const pinned = availableParallelism() > 1;
  return {
    proxyCore: pinned ? options['proxy-core'] : undefined,
    loadCore: pinned ? options['load-core'] : undefined,
  };
}

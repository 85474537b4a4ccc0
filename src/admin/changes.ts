import type { BackendStatus } from './schema.ts';

/** What an operator wants changed in a pool. */
export type BackendChange =
  | { readonly kind: 'set'; readonly pool: string; readonly backend: string; readonly to: BackendSettings }
  | { readonly kind: 'add'; readonly pool: string; readonly backend: NewBackend }
  | { readonly kind: 'remove'; readonly pool: string; readonly backend: string };

/** What can be set on a backend. */
export interface BackendSettings {
  readonly state?: BackendStatus['state'] | undefined;
  readonly weight?: number | undefined;
}

/** A backend as it is added; its values are not checked yet. */
export interface NewBackend {
  readonly address: string;
  readonly name?: string | undefined;
  readonly weight?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly backup?: boolean | undefined;
}

/** Who wants it, and what they know. */
export interface ChangedBy {
  /** Their address; 'unix socket' for one. */
  readonly who: string;
  /** The versions of the pool, any of which they have seen; undefined when they do not say. `*` is any. */
  readonly versions: readonly string[] | undefined;
}

/** Why nothing was changed. */
export type ChangeRefusal =
  | 'no-pool'
  | 'unknown-backend'
  | 'pool-changed'
  | 'backend-exists'
  | 'last-backend'
  | 'invalid'
  | 'not-applied';

/** What came of it. */
export type Changed =
  | {
      readonly ok: true;
      /** Of the pool, from now on. */
      readonly version: string;
      readonly backend: BackendStatus;
      /** True when the backend is no longer in the pool. */
      readonly removed: boolean;
    }
  | { readonly ok: false; readonly refusal: ChangeRefusal; readonly message: string; readonly version?: string };

/** What one value must be: of a header, a cookie or a query parameter. */
export type ValueMatch =
  | { readonly kind: 'exact'; readonly values: readonly string[] }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'any'; readonly of: readonly ValueMatch[] };

/** Values to match, by the name of the header, cookie or query parameter. */
export type NamedMatches = Readonly<Record<string, ValueMatch>>;

/** What the body must be like; at most `limit` bytes of it are held for that. */
export type BodyMatch = { readonly limit: number } & (
  | { readonly kind: 'json'; readonly path: string; readonly is: ValueMatch }
  | { readonly kind: 'form'; readonly name: string; readonly is: ValueMatch }
  | { readonly kind: 'contains'; readonly text: string }
);

/** The conditions of a route. All that are given must hold; a list holds when any of its entries does. */
export interface MatchConfig {
  /** `api.example.com`, or `*.example.com` for the names below it. */
  readonly host?: readonly string[] | undefined;
  /** `/a`, `/a/*`, or `~` and a regular expression. */
  readonly path?: readonly string[] | undefined;
  readonly method?: readonly string[] | undefined;
  readonly header?: NamedMatches | undefined;
  readonly cookie?: NamedMatches | undefined;
  readonly query?: NamedMatches | undefined;
  readonly body?: BodyMatch | undefined;
  /** CIDR ranges or bare addresses. */
  readonly source?: readonly string[] | undefined;
}

/** A route as configured: its conditions, and whatever its owner wants back when it matches. */
export interface RouteRule<F> {
  readonly name: string;
  readonly match: MatchConfig;
  readonly payload: F;
}

import { z } from 'zod';

/** The config as it is shown. */
export const shownConfigSchema = z.object({
  generation: z.number().describe('Number of the config in force; 1 at the start.'),
  path: z.string().nullable().describe('null when it did not come from a file.'),
  config: z
    .record(z.string(), z.unknown())
    .describe('As loaded, with its defaults: times in ms, sizes in bytes, shares as fractions; secrets read `***`.'),
  changes: z
    .record(z.string(), z.array(z.string()))
    .describe('By pool, what is other than in the config, since it was changed at run time; in words.'),
});

/** A config that was loaded again. */
export const reloadedSchema = z.object({
  generation: z.number(),
  replaced: z.array(z.string()).describe('What had been changed at run time and holds no longer.'),
});

/** One that was not. */
export const refusedSchema = z.object({
  error: z.string(),
  message: z.string(),
  problems: z.array(z.string()).describe('Every one, as `fairlead check` prints it.'),
});

/** The config in force. */
export type ShownConfig = z.output<typeof shownConfigSchema>;

/** What came of loading the config again. */
export type Reloaded =
  | ({ readonly ok: true } & z.output<typeof reloadedSchema>)
  | { readonly ok: false; readonly problems: readonly string[] };

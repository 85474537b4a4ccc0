import { configJsonSchema } from '../config/json-schema.ts';
import { readArgs } from './args.ts';
import { EXIT_OK, refuse } from './command.ts';
import type { Io } from './io.ts';

/** One line for the list of commands. */
export const summary = 'print the JSON Schema of the config file';

/** The help text. */
export const usage = `
NAME
  fairlead schema - print the JSON Schema of the config file

USAGE
  fairlead schema

DESCRIPTION
  Writes the schema (JSON Schema, draft 2020-12) to the standard output. An editor that knows it completes keys,
  shows what they mean, and marks mistakes. The same schema lies in config/fairlead.schema.json; a YAML file asks
  for it with a first line like

      # yaml-language-server: $schema=fairlead.schema.json

OPTIONS
  -h, --help  print this

EXIT CODES
  0  printed
  2  the command line was not understood

EXAMPLES
  fairlead schema > fairlead.schema.json
`;

/** Prints the schema. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, {});
  if (!parsed.ok) return refuse(io, 'schema', parsed.problem);
  io.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return EXIT_OK;
}

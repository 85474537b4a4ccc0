import { type CommandShape, type Kind, type OptionShape, shells } from './shape.ts';

const values: Readonly<Record<Kind, string>> = {
  files: '-r -F',
  backends: "-x -a '(fairlead completion backends 2>/dev/null)'",
  shells: `-x -a '${shells.join(' ')}'`,
  commands: '-x',
  nothing: '-x',
};

/** The completion of fish. */
export function fishCompletion(commands: readonly CommandShape[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, options, takes } = command;
    const inCommand = `complete -c fairlead -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c fairlead -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...options.map((option) => `${inCommand} ${optionWords(option)}`),
      ...(takes === 'files' ? [`${inCommand} -F`] : []),
      ...(takes === 'backends' || takes === 'shells' ? [`${inCommand} ${values[takes].replace('-x ', '')}`] : []),
      ...(takes === 'commands' ? [`${inCommand} -a '${commands.map((one) => one.name).join(' ')}'`] : []),
    ];
  });
  return `# Completion of fairlead for fish. Try it with: fairlead completion fish | source
complete -c fairlead -f
complete -c fairlead -n __fish_use_subcommand -l version -s V -d 'print the version'
${lines.join('\n')}
`;
}

function optionWords({ long, short, value, says }: OptionShape): string {
  const names = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`;
  return `${names}${value === undefined ? '' : ` ${values[value]}`} -d ${quoted(says)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

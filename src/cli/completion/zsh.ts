import { type CommandShape, type Kind, type OptionShape, shells } from './shape.ts';

const actions: Readonly<Record<Kind, string>> = {
  files: '_files',
  backends: '_fairlead_backends',
  shells: `(${shells.join(' ')})`,
  commands: '_fairlead_commands',
  nothing: ' ',
};

/** The completion of zsh, by its own _arguments. */
export function zshCompletion(commands: readonly CommandShape[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`);
  const cases = commands.map(({ name, options, takes }) => {
    const specs = [...options.map(optionSpec), `'*:${takes === 'nothing' ? 'argument' : takes}:${actions[takes]}'`];
    return `    ${name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef fairlead
# Completion of fairlead for zsh. Try it with: source <(fairlead completion zsh)
_fairlead_commands() {
  local -a commands=(
${described.join('\n')}
  )
  _describe command commands
}

_fairlead_backends() {
  local -a backends=(\${(f)"$(fairlead completion backends 2>/dev/null)"})
  compadd -a backends
}

_fairlead() {
  if ((CURRENT == 2)); then
    _fairlead_commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}

if [[ \${funcstack[1]} == _fairlead ]]; then _fairlead "$@"; else compdef _fairlead fairlead; fi
`;
}

function optionSpec({ long, short, value, says }: OptionShape): string {
  const text = says.replace(/[[\]:]/g, '\\$&');
  const rest = value === undefined ? '' : `:value:${actions[value]}`;
  const names = short === undefined ? [long] : [short, long];
  return names.map((name) => quoted(`${name}[${text}]${rest}`)).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

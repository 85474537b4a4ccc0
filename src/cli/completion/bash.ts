import { type CommandShape, type Kind, shells } from './shape.ts';

/**
 * The completion of bash, from 3.2 on and without the bash-completion package. Words are cut out of the line here, since
 * bash cuts at colons too, which addresses have.
 */
export function bashCompletion(commands: readonly CommandShape[]): string {
  const cases = commands.map(({ name, options, takes }) => {
    const flags = options.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]));
    return `    ${name}) flags='${flags.join(' ')}' takes=${takes} ;;`;
  });
  return `# Completion of fairlead for bash. Try it with: source <(fairlead completion bash)
_fairlead() {
  local line=\${COMP_LINE:0:COMP_POINT} commands='${commands.map(({ name }) => name).join(' ')}'
  local current=\${line##*[[:space:]]} command='' previous='' flags='' takes=nothing word
  local -a words
  read -ra words <<<"\${line%"$current"}"
  if ((\${#words[@]} > 0)); then previous=\${words[\${#words[@]} - 1]}; fi
  for word in "\${words[@]:1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  case $command in
    '') flags='--help --version' takes=commands ;;
${cases.join('\n')}
  esac
  case $command:$previous in
${valueCases(commands)}
  esac
  local candidates=''
  if [[ $current == -* ]]; then candidates=$flags
  elif [[ $takes == commands ]]; then candidates=$commands
  elif [[ $takes == shells ]]; then candidates='${shells.join(' ')}'
  elif [[ $takes == backends && $previous != */* ]]; then candidates=$("\${words[0]}" completion backends 2>/dev/null)
  fi
  COMPREPLY=()
  local completion kept=''
  if [[ $COMP_WORDBREAKS == *:* ]]; then kept=\${current%"\${current##*:}"}; fi
  if [[ $takes == files && $current != -* ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r completion; do COMPREPLY+=("$completion"); done < <(compgen -f -- "$current")
  else
    while IFS= read -r completion; do COMPREPLY+=("\${completion#"$kept"}"); done < <(compgen -W "$candidates" -- "$current")
  fi
}
complete -F _fairlead fairlead
`;
}

/** After an option that has a value, what can be completed is the value. */
function valueCases(commands: readonly CommandShape[]): string {
  const byKind = new Map<Kind, string[]>();
  for (const { name, options } of commands) {
    for (const { long, short, value } of options) {
      if (value === undefined) continue;
      const patterns = [long, ...(short === undefined ? [] : [short])].map((flag) => `${name}:${flag}`);
      byKind.set(value, [...(byKind.get(value) ?? []), ...patterns]);
    }
  }
  return Array.from(byKind, ([kind, patterns]) => `    ${patterns.join('|')}) takes=${kind} flags='' ;;`).join('\n');
}

/** One instruction of a Dockerfile, with its arguments replaced. */
export interface Instruction {
  /** In capitals. */
  readonly word: string;
  readonly rest: string;
}

/** From one FROM to the next. */
export interface Stage {
  /** What it is called by AS, else its number. */
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** What an image is started with. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly health: readonly string[];
  readonly stopSignal: string;
  readonly ports: readonly number[];
}

/** What the Dockerfile says before and between its stages; only the instructions and forms that ours uses are known. */
export function readDockerfile(text: string): Stage[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const defaults = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, word, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (word === undefined) throw new Error(`not an instruction: ${line}`);
    const said = rest!.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => defaults.get(name) ?? '');
    const open = stages.at(-1);
    if (word === 'FROM') {
      const [, base, name = String(stages.length)] = /^(\S+)(?: AS (\S+))?$/.exec(said)!;
      stages.push({ name, base: base!, instructions: [] });
    } else if (open !== undefined) open.instructions.push({ word, rest: said });
    else if (word === 'ARG') defaults.set(...(said.split('=', 2) as [string, string]));
    else throw new Error(`before the first FROM: ${line}`);
  }
  return stages;
}

/** What a stage leaves to whoever starts it. */
export function configOf({ instructions }: Stage): ImageConfig {
  const all = (word: string) => instructions.filter((one) => one.word === word).map(({ rest }) => rest);
  const last = (word: string) => all(word).at(-1) ?? '';
  const list = (rest: string) => (rest === '' ? [] : (JSON.parse(rest) as string[]));
  return {
    env: Object.fromEntries(all('ENV').map((rest) => rest.split('=', 2) as [string, string])),
    workdir: last('WORKDIR') || '/',
    user: last('USER') || 'root',
    command: [...list(last('ENTRYPOINT')), ...list(last('CMD'))],
    health: list(/ CMD (\[.*\])$/.exec(last('HEALTHCHECK'))?.[1] ?? ''),
    stopSignal: last('STOPSIGNAL') || 'SIGTERM',
    ports: last('EXPOSE').split(' ').filter(Boolean).map(Number),
  };
}

/** Where the files of a COPY come from and go to. */
export interface Copy {
  /** The stage they come from; undefined for the context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

/** Reads the rest of a COPY. */
export function readCopy(rest: string): Copy {
  const words = rest.split(' ');
  const from = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : undefined;
  return { from, sources: words.slice(0, -1), target: words.at(-1)! };
}

/** Whether .dockerignore lets a path of the context through: the last line that names it or a folder above it decides. */
export function isInContext(path: string, ignore: string): boolean {
  let kept = true;
  for (const line of ignore.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const pattern = line.replace(/^!/, '');
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) kept = line.startsWith('!');
  }
  return kept;
}

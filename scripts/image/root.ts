import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** How a command runs in a root. */
export interface RunOptions {
  readonly cwd: string;
  readonly user: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** With nothing that can be written to, no capability, and no way to get one; else as a step of a build. */
  readonly sealed?: boolean;
  /** The network namespace it is in; that of this process unless said otherwise. */
  readonly network?: string;
}

/** The user of Node's images. */
const users = { root: 0, node: 1000 } as const;
/** What the base image would bring along, from this machine. */
const ofTheMachine = ['usr', 'etc/ssl', 'dev'];
const linked = ['bin', 'sbin', 'lib', 'lib64'];

/**
 * Runs as process 1 of its own pid namespace and in its own mount namespace, so that nothing of it is left behind, and
 * becomes the command. Arguments: the root, 'sealed' or 'open', the programs, then the command.
 */
const enter = `
root=$1 mode=$2 programs=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
for path in ${ofTheMachine.join(' ')}; do mount --rbind "/$path" "$root/$path"; mount -o remount,bind,ro "$root/$path"; done
mount --bind "$programs" "$root/usr/local/bin"
mount -t proc proc "$root/proc"
if [ "$mode" = sealed ]; then mount -o remount,bind,ro "$root/usr/local/bin"; mount -o remount,bind,ro "$root"
else mount -t tmpfs tmpfs "$root/tmp"; fi
exec chroot "$root" "$@"
`;

/** A root file system: what instructions have put into its folder, over what this machine has in place of a base image. */
export class Root {
  readonly folder: string;
  readonly #programs: string;

  constructor(folder: string, programs: string) {
    this.folder = folder;
    this.#programs = programs;
    for (const path of [...ofTheMachine, 'etc', 'proc', 'tmp', 'root'])
      mkdirSync(join(folder, path), { recursive: true });
    for (const name of linked)
      if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink())
        symlinkSync(readlinkSync(`/${name}`), join(folder, name));
    const lines = Object.entries(users).map(([name, id]) => `${name}:x:${id}:${id}::/:/bin/sh\n`);
    writeFileSync(join(folder, 'etc/passwd'), lines.join(''));
    writeFileSync(
      join(folder, 'etc/group'),
      Object.entries(users)
        .map(([name, id]) => `${name}:x:${id}:\n`)
        .join(''),
    );
    for (const name of ['hosts', 'resolv.conf', 'nsswitch.conf'])
      if (existsSync(`/etc/${name}`)) cpSync(realpathSync(`/etc/${name}`), join(folder, 'etc', name));
  }

  /** Starts a command as process 1 of a pid namespace of its own. */
  start([program, ...args]: readonly string[], options: RunOptions): ChildProcess {
    const { network, sealed = false } = options;
    const inNetwork = network === undefined ? [] : ['ip', 'netns', 'exec', network];
    const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', enter, 'sh'];
    const place = [this.folder, sealed ? 'sealed' : 'open', this.#programs];
    const drop = sealed ? sealing(options.user) : [];
    const [command, ...rest] = [...inNetwork, ...namespaces, ...place, ...shell(options), ...drop, program!, ...args];
    return spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } });
  }

  /** Runs a command beside the one that is process 1, as `docker exec` does; returns its exit code and what it wrote. */
  beside(pid: number, [program, ...args]: readonly string[], options: RunOptions): { code: number; output: string } {
    const into = ['--target', String(pid), '--mount', '--pid', '--net', '--root'];
    const child = [...into, ...shell(options), ...sealing(options.user), program!, ...args];
    try {
      return { code: 0, output: execFileSync('nsenter', child, { encoding: 'utf8', stdio: 'pipe', env: {} }) };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return { code: status, output: stdout + stderr };
    }
  }
}

/** What sets folder and environment, and becomes the command. */
function shell({ cwd, env }: RunOptions): string[] {
  const set = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return ['/usr/bin/env', '-i', `--chdir=${cwd}`, ...set];
}

/** What compose.yaml asks for: no capability, and none to be had. */
function sealing(user: string): string[] {
  const id = users[user as keyof typeof users];
  return [
    'setpriv',
    ...[`--reuid=${id}`, `--regid=${id}`, '--clear-groups'],
    ...['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'],
  ];
}

/** Puts the Node that runs this script, and npm, where the images of Node have them. */
export function layPrograms(folder: string, npm: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(realpathSync(process.execPath), join(folder, 'node'));
  const cli = realpathSync(npm);
  if (!cli.startsWith('/usr/')) throw new Error(`npm has to be below /usr, and is ${dirname(cli)}`);
  symlinkSync(cli, join(folder, 'npm'));
}

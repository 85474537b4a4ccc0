import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configOf, isInContext, readCopy, readDockerfile } from '../../scripts/image/dockerfile.ts';
import { readFiles, root } from './source.ts';

const textOf = (path: string) => readFiles(path)[0]!.text;
const stages = readDockerfile(textOf('Dockerfile'));
const image = configOf(stages.at(-1)!);
const all = (word: string) =>
  stages.flatMap(({ instructions }) => instructions.filter((one) => one.word === word).map(({ rest }) => rest));
const copies = all('COPY').map(readCopy);

describe('the Dockerfile', () => {
  const copied = [...new Set(copies.filter(({ from }) => from === undefined).flatMap(({ sources }) => sources))];

  it('copies what is there, and .dockerignore lets it through, and nothing else', () => {
    const ignore = textOf('.dockerignore');
    expect(copied.filter((path) => !existsSync(root + path))).toEqual([]);
    expect(copied.filter((path) => !isInContext(path, ignore))).toEqual([]);
    const admitted = ignore.split('\n').filter((line) => line.startsWith('!'));
    expect(admitted.filter((line) => !copied.includes(line.slice(1)))).toEqual([]);
  });

  it('starts Fairlead itself as process 1, not as root, with a config that the image has', () => {
    const [node, program, command, config] = image.command;
    expect([node, program, command]).toEqual(['node', 'src/cli/main.ts', 'run']);
    expect(existsSync(root + program)).toBe(true);
    expect(copied).toContain('src');
    const copy = copies.find(({ target }) => target === config);
    expect(copy).toEqual({ from: undefined, sources: ['config/docker.yaml'], target: '/etc/fairlead/fairlead.yaml' });
    expect([image.user, image.stopSignal]).toEqual(['node', 'SIGTERM']);
  });

  it('asks for its health with a program that the image has', () => {
    expect(existsSync(root + image.health[1])).toBe(true);
  });

  it('is of stages from one base, of which the one that builds the dashboard leaves nothing else behind', () => {
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
    expect(stages.map(({ name }) => name)).toEqual(['dependencies', 'dashboard', '2']);
    expect(all('RUN')).toEqual([
      'npm ci --omit=dev --ignore-scripts',
      'npm ci --ignore-scripts',
      'node scripts/dashboard.ts',
    ]);
    expect(copies.filter(({ from }) => from !== undefined)).toEqual([
      { from: 'dependencies', sources: ['/app/node_modules'], target: 'node_modules' },
      { from: 'dashboard', sources: ['/app/dist/dashboard'], target: 'dist/dashboard' },
    ]);
  });
});

interface Service {
  readonly profiles?: string[];
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly command?: string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
}

describe('compose.yaml', () => {
  const { services } = parse(textOf('compose.yaml'), { merge: true }) as {
    services: Record<string, Service>;
  };
  const config = parse(textOf('config/docker.yaml')) as {
    listeners: Record<string, { bind: string }>;
    admin: { bind: string };
    pools: { apps: { backends: { address: string }[] } };
  };
  const { fairlead, prometheus, grafana, ...apps } = services;

  it('has the backends that config/docker.yaml names, on their ports', () => {
    const served = Object.entries(apps).map(([name, { environment }]) => ({ name, ...environment }));
    const addresses = config.pools.apps.backends.map(({ address }) => address);
    expect(served.map((app) => `${app.name}:${(app as { PORT?: string }).PORT}`)).toEqual(addresses);
    expect(Object.keys(apps)).toHaveLength(3);
  });

  it('publishes every listener and the admin server, on the loopback address', () => {
    const binds = [...Object.values(config.listeners), config.admin].map(({ bind }) => bind);
    expect(fairlead!.ports).toEqual(binds.map((bind) => `127.0.0.1${bind}${bind}`));
    expect(image.ports).toEqual(binds.map((bind) => Number(bind.slice(1))));
  });

  it('mounts what is there', () => {
    for (const { volumes = [], command = [] } of Object.values(apps)) {
      const [folder] = volumes[0]!.split(':');
      expect(existsSync(`${root}${folder}/${command[1]}`)).toBe(true);
    }
  });

  it('has Prometheus and Grafana in a profile of their own, with the files that are there and nothing published wider', () => {
    for (const { profiles, ports = [], volumes = [], ...rest } of [prometheus!, grafana!]) {
      expect(profiles).toEqual(['monitoring']);
      expect(ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:(\d+):\1$/)]);
      expect(rest).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      const folders = volumes.filter((volume) => volume.startsWith('./'));
      expect(folders.length).toBeGreaterThan(0);
      for (const folder of folders) {
        expect(existsSync(root + folder.split(':')[0])).toBe(true);
        expect(folder).toMatch(/:ro$/);
      }
    }
  });

  it('gives Prometheus the token that Fairlead has, in the file that its config reads', () => {
    const token = 'FAIRLEAD_TOKEN';
    expect(prometheus!.environment![token]).toBe(fairlead!.environment![token]);
    const { scrape_configs: jobs } = parse(textOf('config/prometheus/prometheus.yml')) as {
      scrape_configs: { authorization: { credentials_file: string }; static_configs: { targets: string[] }[] }[];
    };
    expect(prometheus!.command![0]).toContain(`> ${jobs[0]!.authorization.credentials_file};`);
    expect(jobs[0]!.static_configs[0]!.targets).toEqual([`fairlead${config.admin.bind}`]);
  });
});

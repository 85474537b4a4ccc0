import { describe, expect, it } from 'vitest';
import { configOf, isInContext, readCopy, readDockerfile } from '../../scripts/image/dockerfile.ts';

const text = `# syntax=docker/dockerfile:1
ARG BASE=node:1
FROM \${BASE} AS build
WORKDIR /src
COPY a b ./
RUN make \\
    all

FROM other
ENV MODE=fast
COPY --from=build /src/out out
# who
USER node
EXPOSE 80 443
HEALTHCHECK --interval=1s \\
  CMD ["check", "it"]
ENTRYPOINT ["run"]
CMD ["this", "that"]
`;

describe('readDockerfile', () => {
  it('reads stages and their instructions, with arguments and lines that go on', () => {
    const stages = readDockerfile(text);
    expect(stages.map(({ name, base }) => [name, base])).toEqual([
      ['build', 'node:1'],
      ['1', 'other'],
    ]);
    expect(stages[0]!.instructions).toEqual([
      { word: 'WORKDIR', rest: '/src' },
      { word: 'COPY', rest: 'a b ./' },
      { word: 'RUN', rest: 'make all' },
    ]);
    expect(configOf(stages[1]!)).toEqual({
      env: { MODE: 'fast' },
      workdir: '/',
      user: 'node',
      command: ['run', 'this', 'that'],
      health: ['check', 'it'],
      stopSignal: 'SIGTERM',
      ports: [80, 443],
    });
  });

  it.each(['from x', 'RUN make\nFROM x'])('refuses %j', (wrong) => {
    expect(() => readDockerfile(wrong)).toThrow();
  });
});

describe('readCopy', () => {
  it('tells where from, what and where to', () => {
    expect(readCopy('a b ./')).toEqual({ from: undefined, sources: ['a', 'b'], target: './' });
    expect(readCopy('--from=build /src/out out')).toEqual({ from: 'build', sources: ['/src/out'], target: 'out' });
  });
});

describe('isInContext', () => {
  it('goes by the last line that names a path or a folder above it', () => {
    const ignore = '# all but\n*\n!src\nsrc/secret\n!.npmrc\n';
    const paths = ['src', 'src/a.ts', 'src/secret/key', '.npmrc', 'test', 'srcs'];
    expect(paths.filter((path) => isInContext(path, ignore))).toEqual(['src', 'src/a.ts', '.npmrc']);
  });
});

import { describe, expect, it } from 'vitest';
import { paintFor } from '../../src/cli/colour.ts';
import { backendChange, demoBanner } from '../../src/cli/demo-banner.ts';

const plain = paintFor({ write: () => true }, {});
const coloured = paintFor({ write: () => true }, { FORCE_COLOR: '1' });
const backends = [
  { name: 'app-1', port: 3001, pid: undefined },
  { name: 'app-2', port: 43_210, pid: 4712 },
];
const facts = { http: '127.0.0.1:8080', tcp: '127.0.0.1:48081', admin: '127.0.0.1:9900', backends, restartS: 5 };

describe('demoBanner', () => {
  const text = demoBanner(facts, plain);

  it.each([
    'Fairlead before 2 backends, on both layers',
    '  L7 http  http://127.0.0.1:8080/  another backend for each request',
    '  L4 tcp   127.0.0.1:48081         another backend for each connection',
    '  dashboard  http://127.0.0.1:9900/',
    '  metrics    http://127.0.0.1:9900/metrics',
    '  status     http://127.0.0.1:9900/api/status',
    '  app-2  127.0.0.1:43210  pid 4712',
    '  for i in 1 2 3 4 5 6; do curl -s http://127.0.0.1:8080/; done',
    '  for i in 1 2 3; do curl -s http://127.0.0.1:48081/; done',
    '  while sleep 0.05; do curl -s http://127.0.0.1:8080/ >/dev/null; done   # something to see on the dashboard',
    '  kill -9 4712   # then ask again: the others answer, and it is back after 5 s',
    'Ctrl-C ends the balancer and its backends.',
  ])('says: %s', (line) => {
    expect(text.split('\n')).toContain(line);
  });

  it('is the same with colour, but for the colour', () => {
    const codes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    const painted = demoBanner(facts, coloured);
    expect(painted).not.toBe(text);
    expect(painted.replaceAll(codes, '')).toBe(text);
  });
});

describe('backendChange', () => {
  it.each([
    [undefined, 'app-3 on 127.0.0.1:3003 ended; it starts again in 5 s, and the others carry on\n'],
    [99, 'app-3 on 127.0.0.1:3003 is back, pid 99\n'],
  ])('for the pid %s', (pid, line) => {
    expect(backendChange({ name: 'app-3', port: 3003, pid }, 5, plain)).toBe(line);
  });
});

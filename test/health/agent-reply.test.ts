import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAgentReply } from '../../src/health/agent-reply.ts';

const up = { up: true, reason: 'the agent says up' };
const out = (reason: string) => ({ works: { up: false, reason } });

describe('the answer of an agent', () => {
  it.each([
    ['up', { works: up }],
    ['UP', { works: up }],
    ['ready', { admin: 'ready' }],
    ['drain', { admin: 'drain' }],
    ['maint', { admin: 'maint' }],
    ['75%', { percent: 75 }],
    ['0%', { percent: 0 }],
    ['1000%', { percent: 1000 }],
    ['maxconn:30', { maxActive: 30 }],
    ['maxconn:0', { maxActive: 0 }],
    ['down', out('the agent says down')],
    ['stopped', out('the agent says stopped')],
    ['fail # disk: full # really', out('the agent says fail: disk: full # really')],
    ['down#no space before it', out('the agent says down: no space before it')],
    ['up ready 75% maxconn:30', { works: up, admin: 'ready', percent: 75, maxActive: 30 }],
    ['\tup,ready ,, 75%', { works: up, admin: 'ready', percent: 75 }],
    ['drain ready', { admin: 'ready' }],
    ['50% # of what it was', { percent: 50 }],
  ])('%j is understood', (line, reply) => {
    expect(readAgentReply(line)).toEqual(reply);
  });

  it.each([
    '',
    ' , ',
    '# nothing else',
    'upp',
    'up please',
    '75',
    '-1%',
    '7.5%',
    '1001%',
    '%',
    '1e2%',
    'maxconn:',
    'maxconn: 30',
    'maxconn:-1',
    'maxconn:10000001',
    'maxconn:1e3',
    'HTTP/1.1 200 OK',
    '__proto__',
    'constructor',
  ])('%j is refused whole', (line) => {
    expect(readAgentReply(line)).toMatch(/^the answer (is empty|has a word that is not known: )/);
  });

  it('is read whatever it is, and says no more than it should', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        const read = readAgentReply(line);
        if (typeof read === 'string') expect(read.length).toBeLessThan(400);
        else expect(Object.keys(read).length).toBeGreaterThan(0);
      }),
    );
  });
});

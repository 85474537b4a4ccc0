import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NameSources } from '../../src/support/name-sources.ts';
import { createResolver, defaultResolverLimits, lookupThrough } from '../../src/support/resolve.ts';
import { FakeClock } from './fake-clock.ts';

const { freshMs, heldMs, retryMs } = defaultResolverLimits;

interface Script {
  hosts?: string;
  four?: Record<string, string[]>;
  six?: Record<string, string[]>;
  system?: Record<string, string[]>;
}

function scripted(script: Script): NameSources & { asked: string[] } {
  const asked: string[] = [];
  const find = (source: string, table: Record<string, string[]> | undefined) => async (name: string) => {
    asked.push(`${source} ${name}`);
    const found = table?.[name];
    if (found === undefined) throw Object.assign(new Error(`${source} ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    return found;
  };
  const hosts = async () => {
    if (script.hosts === undefined) throw new Error('ENOENT');
    return script.hosts;
  };
  const { four = {}, six = {}, system = {} } = script;
  return { asked, hosts, resolve4: find('4', four), resolve6: find('6', six), lookup: find('system', system) };
}

function resolverOver(script: Script) {
  const clock = new FakeClock();
  const sources = scripted(script);
  return { clock, sources, resolver: createResolver(clock, sources) };
}

describe('names that need no source', () => {
  test.each([
    ['127.0.0.1', ['127.0.0.1']],
    ['::1', ['::1']],
    ['fe80::1%eth0', ['fe80::1%eth0']],
    ['localhost', ['127.0.0.1', '::1']],
    ['LocalHost.', ['127.0.0.1', '::1']],
    ['api.localhost', ['127.0.0.1', '::1']],
  ])('%s', async (host, addresses) => {
    const { resolver, sources } = resolverOver({ hosts: '10.9.9.9 localhost' });
    expect(await resolver.resolve(host)).toEqual(addresses);
    expect(sources.asked).toEqual([]);
  });

  test.each(['localhost.example', 'notlocalhost'])('%s is a name like any other', async (host) => {
    const { resolver } = resolverOver({ four: { [host]: ['10.0.0.1'] } });
    expect(await resolver.resolve(host)).toEqual(['10.0.0.1']);
  });
});

describe('where a name is looked for', () => {
  test('the hosts file wins, without a query', async () => {
    const { resolver, sources } = resolverOver({ hosts: '10.0.0.7 db\n', four: { db: ['10.0.0.8'] } });
    expect(await resolver.resolve('DB')).toEqual(['10.0.0.7']);
    expect(await resolver.resolve('db.')).toEqual(['10.0.0.7']);
    expect(sources.asked).toEqual([]);
  });

  test('a hosts file is read line by line, with comments, aliases and either family', async () => {
    const hosts = [
      '# 10.0.0.1 db',
      '::5\tdb # second',
      '  10.0.0.2   other Db.Internal db ',
      'nonsense db',
      '10.0.0.3 dbx #db',
      '10.0.0.2 db',
      '',
    ].join('\r\n');
    const { resolver } = resolverOver({ hosts });
    expect(await resolver.resolve('db')).toEqual(['10.0.0.2', '::5']);
    expect(await resolver.resolve('db.internal')).toEqual(['10.0.0.2']);
    expect(await resolver.resolve('dbx')).toEqual(['10.0.0.3']);
  });

  test('name servers give both families, IPv4 first; one of them is enough', async () => {
    const four = { web: ['10.0.0.2', '10.0.0.1'], old: ['10.0.0.3'] };
    const { resolver, sources } = resolverOver({ four, six: { web: ['2001:db8::1'], new: ['2001:db8::2'] } });
    expect(await resolver.resolve('web')).toEqual(['10.0.0.2', '10.0.0.1', '2001:db8::1']);
    expect(await resolver.resolve('old')).toEqual(['10.0.0.3']);
    expect(await resolver.resolve('new')).toEqual(['2001:db8::2']);
    expect(sources.asked.filter((question) => question.startsWith('system'))).toEqual([]);
  });

  test('the operating system is asked last, its answer put IPv4 first', async () => {
    const { resolver, sources } = resolverOver({ four: { nas: [] }, system: { nas: ['fd00::1', '192.168.0.9'] } });
    expect(await resolver.resolve('nas')).toEqual(['192.168.0.9', 'fd00::1']);
    expect(sources.asked).toEqual(['4 nas', '6 nas', 'system nas']);
  });

  test('the operating system is asked for one name at a time, past failures too', async () => {
    const { resolver, sources } = resolverOver({});
    const waiting: PromiseWithResolvers<string[]>[] = [];
    sources.lookup = () => {
      const answer = Promise.withResolvers<string[]>();
      waiting.push(answer);
      return answer.promise;
    };
    const first = resolver.resolve('a').catch((error: Error) => error.message);
    const second = resolver.resolve('b');
    await new FakeClock().advance(0);
    expect(waiting).toHaveLength(1);
    waiting[0]!.reject(new Error('broken'));
    expect(await first).toBe('name a does not resolve: broken');
    await new FakeClock().advance(0);
    waiting[1]!.resolve(['10.0.0.1']);
    expect(await second).toEqual(['10.0.0.1']);
  });

  test.each([
    [{ code: 'ENOTFOUND' }, 'name gone.test does not resolve: no such name'],
    [{ code: 'EAI_AGAIN' }, 'name gone.test does not resolve: the name servers do not answer'],
    [{ code: 'EAI_FAIL' }, 'name gone.test does not resolve: raw text'],
  ])('says why there is no answer: %j', async (fields, message) => {
    const { resolver, sources } = resolverOver({});
    sources.lookup = () => Promise.reject(Object.assign(new Error('raw text'), fields));
    await expect(resolver.resolve('gone.test')).rejects.toThrow(message);
  });

  test('an empty answer from everywhere is a failure', async () => {
    const { resolver } = resolverOver({ four: { web: [] }, six: { web: [] }, system: { web: [] } });
    await expect(resolver.resolve('web')).rejects.toThrow('name web does not resolve: no address');
  });
});

describe('what is remembered', () => {
  test('an answer is asked for once while it is fresh, and once for all who wait', async () => {
    const { resolver, sources, clock } = resolverOver({ four: { web: ['10.0.0.1'] } });
    const all = await Promise.all([resolver.resolve('web'), resolver.resolve('WEB'), resolver.resolve('web')]);
    expect(all).toEqual([['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1']]);
    await clock.advance(freshMs - 1);
    await resolver.resolve('web');
    expect(sources.asked).toEqual(['4 web', '6 web']);
  });

  test('what is given out can be changed without harm', async () => {
    const { resolver } = resolverOver({ four: { web: ['10.0.0.1'] } });
    (await resolver.resolve('web')).push('broken');
    (await resolver.resolve('localhost')).push('broken');
    expect(await resolver.resolve('web')).toEqual(['10.0.0.1']);
    expect(await resolver.resolve('localhost')).toEqual(['127.0.0.1', '::1']);
  });

  test('a stale answer is given at once while the new one is fetched', async () => {
    const four = { web: ['10.0.0.1'] };
    const { resolver, clock, sources } = resolverOver({ four });
    await resolver.resolve('web');
    four.web = ['10.0.0.2'];
    await clock.advance(freshMs);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.1']);
    await clock.advance(0);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.2']);
    expect(sources.asked).toHaveLength(4);
  });

  test('a stale answer outlives an outage of the name servers, but not for ever', async () => {
    const four: Record<string, string[]> = { web: ['10.0.0.1'] };
    const { resolver, clock } = resolverOver({ four });
    await resolver.resolve('web');
    delete four['web'];
    await clock.advance(freshMs + heldMs - 1);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.1']);
    await clock.advance(1);
    await expect(resolver.resolve('web')).rejects.toThrow('no such name');
    four['web'] = ['10.0.0.3'];
    await clock.advance(retryMs);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.3']);
  });

  test('after an answer has gone, the caller waits for the new one', async () => {
    const four = { web: ['10.0.0.1'] };
    const { resolver, clock } = resolverOver({ four });
    await resolver.resolve('web');
    four.web = ['10.0.0.2'];
    await clock.advance(freshMs + heldMs);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.2']);
  });

  test('a failure is repeated from memory for a moment, then asked for again', async () => {
    const four: Record<string, string[]> = {};
    const { resolver, clock, sources } = resolverOver({ four });
    await expect(resolver.resolve('web')).rejects.toThrow('no such name');
    await clock.advance(retryMs - 1);
    await expect(resolver.resolve('web')).rejects.toThrow('no such name');
    expect(sources.asked).toHaveLength(3);
    four['web'] = ['10.0.0.1'];
    await clock.advance(1);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.1']);
  });

  test('is not given to one who asks anew, but for when nothing comes', async () => {
    const four: Record<string, string[]> = { web: ['10.0.0.1'] };
    const { resolver, clock, sources } = resolverOver({ four });
    await resolver.resolve('web');
    four['web'] = ['10.0.0.2'];
    expect(await resolver.resolve('web', true)).toEqual(['10.0.0.2']);
    expect(await resolver.resolve('web')).toEqual(['10.0.0.2']);
    expect(sources.asked).toHaveLength(4);
    delete four['web'];
    expect(await resolver.resolve('web', true)).toEqual(['10.0.0.2']);
    await clock.advance(freshMs + heldMs);
    await expect(resolver.resolve('web', true)).rejects.toThrow('no such name');
  });

  test('one question under way is enough for those who ask anew', async () => {
    const { resolver, sources } = resolverOver({ four: { web: ['10.0.0.1'] } });
    await Promise.all([resolver.resolve('web'), resolver.resolve('web', true), resolver.resolve('web', true)]);
    expect(sources.asked).toEqual(['4 web', '6 web']);
  });

  test('beyond its capacity the name asked for first is forgotten', async () => {
    const four = { a: ['10.0.0.1'], b: ['10.0.0.2'], c: ['10.0.0.3'] };
    const sources = scripted({ four });
    const resolver = createResolver(new FakeClock(), sources, { ...defaultResolverLimits, capacity: 2 });
    for (const name of ['a', 'b', 'c', 'b', 'c', 'a']) await resolver.resolve(name);
    expect(sources.asked.filter((question) => question.startsWith('4'))).toEqual(['4 a', '4 b', '4 c', '4 a']);
  });
});

describe('as a lookup function', () => {
  const { resolver } = resolverOver({ four: { web: ['10.0.0.1'] }, six: { web: ['::2'] } });
  const look = (host: string, all: boolean) =>
    new Promise((done) => lookupThrough(resolver)(host, { all }, (...answer) => done(answer)));

  test('gives all addresses with their families, or the first', async () => {
    const both = [
      { address: '10.0.0.1', family: 4 },
      { address: '::2', family: 6 },
    ];
    expect(await look('web', true)).toEqual([null, both]);
    expect(await look('web', false)).toEqual([null, '10.0.0.1', 4]);
    expect(await look('::9', false)).toEqual([null, '::9', 6]);
  });

  test('hands on why there is none', async () => {
    expect(await look('gone', true)).toEqual([new Error('name gone does not resolve: no such name'), '']);
  });
});

test('property: IP addresses come back as they are', async () => {
  const { resolver } = resolverOver({});
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.ipV4(), fc.ipV6()), async (ip) => {
      expect(await resolver.resolve(ip)).toEqual([ip]);
    }),
  );
});

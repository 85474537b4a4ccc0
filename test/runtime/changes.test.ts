import { describe, expect, it } from 'vitest';
import { type BackendConfig, type Config, configSchema } from '../../src/config/schema.ts';
import { Changes } from '../../src/runtime/changes.ts';

type Written = string | { name?: string; address: string; weight?: number; maxConnections?: number };

function config(...backends: Written[]): Config {
  return configSchema.parse({
    listeners: { web: { protocol: 'http', bind: ':0', pool: 'web' } },
    pools: { web: { backends }, other: { backends: ['z:1'] } },
  });
}

const base = config('a:1', { name: 'b', address: 'b:1', weight: 2 });
const backendOf = (id: string, from = base): BackendConfig =>
  from.pools['web']!.backends.find((backend) => backend.id === id)!;
const added = backendOf('c:1', config('c:1'));

/** The ids of a pool with their weights, as they are in force. */
function inForce(changes: Changes, over: Config = base): string {
  return changes
    .over(over)
    .pools['web']!.backends.map(({ id, weight }) => `${id}×${weight}`)
    .join(' ');
}

describe('changes at run time', () => {
  it('lie over the config, and leave it alone', () => {
    const changes = Changes.none
      .set('web', backendOf('b'), { weight: 7 })
      .add('web', added)
      .remove('web', backendOf('a:1'))
      .set('web', added, { state: 'draining', weight: 3 });
    expect(inForce(changes)).toBe('b×7 c:1×3');
    expect(inForce(Changes.none)).toBe('a:1×1 b×2');
    expect(changes.over(base).pools['other']).toBe(base.pools['other']);
    expect(changes.settingOf('web', 'c:1')).toMatchObject({ state: 'draining', leaving: false });
    expect(changes.settingOf('web', 'b').state).toBe('enabled');
    expect(changes.inWords('web')).toEqual([
      'c:1 is added',
      'a:1 is removed',
      'b has weight 7, not 2',
      'c:1 is draining',
      'c:1 has weight 3, not 1',
    ]);
    expect(changes.inWords('other')).toEqual([]);
  });

  it('are none when everything is set back', () => {
    const changes = Changes.none
      .set('web', backendOf('b'), { weight: 7, state: 'disabled', leaving: true })
      .add('web', added)
      .set('web', backendOf('b'), { weight: 2, state: 'enabled', leaving: false })
      .remove('web', added);
    expect(changes.over(base)).toBe(base);
    expect(changes.rebase(config('x:1'))).toEqual({ changes: Changes.none, replaced: [] });
  });

  it('forget what was set on a backend that is removed', () => {
    const changes = Changes.none.set('web', backendOf('b'), { state: 'disabled' }).remove('web', backendOf('b'));
    expect(changes.settingOf('web', 'b').state).toBe('enabled');
    const again = changes.add('web', { ...backendOf('b'), weight: 9 });
    expect(inForce(again)).toBe('a:1×1 b×9');
    expect(inForce(again.remove('web', backendOf('b')))).toBe('a:1×1');
  });
});

describe('changes over the next config', () => {
  const rebased = (changes: Changes, next: Config) => {
    const { changes: kept, replaced } = changes.rebase(next);
    return { in: inForce(kept, next), state: kept.settingOf('web', 'b').state, replaced };
  };
  const drained = Changes.none.set('web', backendOf('b'), { state: 'draining', weight: 7 });

  it('hold when it says the same of the backends', () => {
    const next = config('new:1', 'a:1', { name: 'b', address: 'b:1', weight: 2, maxConnections: 9 });
    expect(rebased(drained, next)).toEqual({ in: 'new:1×1 a:1×1 b×7', state: 'draining', replaced: [] });
    const more = drained.add('web', added).remove('web', backendOf('a:1'));
    expect(rebased(more, next)).toEqual({ in: 'new:1×1 b×7 c:1×1', state: 'draining', replaced: [] });
  });

  it('give way to a weight that it changes, and say so; what else was set holds', () => {
    expect(rebased(drained, config('a:1', { name: 'b', address: 'b:1', weight: 5 }))).toEqual({
      in: 'a:1×1 b×5',
      state: 'draining',
      replaced: ['pool web: b has weight 5, not 7, since the config has changed it'],
    });
    expect(rebased(drained, config({ name: 'b', address: 'b:1', weight: 7 })).in).toBe('b×7');
  });

  it.each([
    ['is gone', config('a:1')],
    ['has moved', config('a:1', { name: 'b', address: 'elsewhere:1', weight: 2 })],
  ])('go with a backend that %s, and say so', (_what, next) => {
    const { state, replaced } = rebased(drained, next);
    expect([state, replaced]).toEqual([
      'enabled',
      ['pool web: b is draining, b has weight 7, not 2: the config has replaced that backend'],
    ]);
  });

  it('go with their pool, and say so', () => {
    const { pools, ...rest } = base;
    const { changes, replaced } = drained.rebase({ ...rest, pools: { other: pools['other']! } });
    expect(changes.over(base)).toBe(base);
    expect(replaced).toEqual(['pool web is gone, and what was changed in it: b is draining, b has weight 7, not 2']);
  });

  it('do not keep out what it lists anew, or changes', () => {
    const removed = Changes.none.remove('web', backendOf('b')).add('web', added);
    expect(
      rebased(removed, config('a:1', { name: 'b', address: 'b:1', weight: 3 }, { address: 'c:1', weight: 4 })),
    ).toEqual({
      in: 'a:1×1 b×3 c:1×4',
      state: 'enabled',
      replaced: [
        'pool web: b, which was removed, is back, since the config has changed it',
        'pool web: c:1, which was added, is as the config has it now',
      ],
    });
    const gone = removed.rebase(config('a:1'));
    expect(gone.replaced).toEqual([]);
    expect(inForce(gone.changes.rebase(base).changes)).toBe('a:1×1 b×2 c:1×1');
  });

  it('leave no pool without a backend', () => {
    const { changes, replaced } = Changes.none
      .remove('web', backendOf('b'))
      .rebase(config({ name: 'b', address: 'b:1', weight: 2 }));
    expect(inForce(changes)).toBe('a:1×1 b×2');
    expect(replaced).toEqual(['pool web: every backend of the config was removed: they are back']);
  });
});

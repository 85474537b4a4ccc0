import { describe, expect, test } from 'vitest';
import { type AlgorithmName, algorithms } from '../../src/pick/algorithms.ts';
import { Hash } from '../../src/pick/hash.ts';
import { LeastConnections } from '../../src/pick/least-connections.ts';
import { Maglev } from '../../src/pick/maglev.ts';
import { PowerOfTwoChoices } from '../../src/pick/p2c.ts';
import { PeakEwma } from '../../src/pick/peak-ewma.ts';
import { Prequal } from '../../src/pick/prequal.ts';
import { Random } from '../../src/pick/random.ts';
import { RoundRobin } from '../../src/pick/round-robin.ts';
import { balancerContract } from '../contracts/balancer.ts';
import { context } from './stage.ts';

for (const [name, algorithm] of Object.entries(algorithms)) {
  balancerContract(name, (ctx) => algorithm.create(ctx));
}

describe('the table of algorithms', () => {
  const classes: Record<AlgorithmName, unknown> = {
    'round-robin': RoundRobin,
    'least-connections': LeastConnections,
    random: Random,
    p2c: PowerOfTwoChoices,
    'peak-ewma': PeakEwma,
    prequal: Prequal,
    hash: Hash,
    maglev: Maglev,
  };

  test('has the names of the config, and no other', () => {
    expect(Object.keys(algorithms)).toEqual(Object.keys(classes));
  });

  test.each(Object.entries(algorithms))(
    '%s makes its own kind, a new one each time, and says in a sentence what it is',
    (name, { create, summary }) => {
      const made = create(context());
      expect(made).toBeInstanceOf(classes[name as AlgorithmName]);
      expect(create(context())).not.toBe(made);
      expect(summary).toMatch(/^[A-Z].{30,110}\.$/);
    },
  );
});

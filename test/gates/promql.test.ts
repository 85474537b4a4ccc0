import { describe, expect, it } from 'vitest';
import { asked, labelsWritten } from './promql.ts';

describe('asked', () => {
  it.each([
    ['fairlead_workers', [['fairlead_workers']], []],
    [
      'sum by (job, pool) (rate(fairlead_retries_total{job="$job",pool=~"a|b{x}"}[5m])) / fairlead_up',
      [['fairlead_retries_total', 'job', 'pool'], ['fairlead_up']],
      ['job', 'pool'],
    ],
    ['a_b / on (x) group_left (y) pool:fairlead_b:rate5m', [['pool:fairlead_b:rate5m']], ['x', 'y']],
    ['up{job!="fairlead_no"} == 0 or process_open_fds', [['up', 'job'], ['process_open_fds']], []],
    ['count(ALERTS{alertstate="firing"}) or vector(0)', [['ALERTS', 'alertstate']], []],
  ])('reads %s', (expression, metrics, grouped) => {
    const found = asked(expression);
    expect(found.metrics.map(({ name, labels }) => [name, ...labels])).toEqual(metrics);
    expect(found.grouped).toEqual(grouped);
  });
});

describe('labelsWritten', () => {
  it('finds those of a legend and of a template, and no values', () => {
    expect(labelsWritten('{{listener}} of {{ route }}')).toEqual(['listener', 'route']);
    expect(labelsWritten('{{ $labels.pool }}: {{ $value | humanize }}')).toEqual(['pool']);
  });
});

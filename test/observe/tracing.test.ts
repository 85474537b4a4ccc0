import { describe, expect, it } from 'vitest';
import { openTracing, samplerOf, type TracingEnvironment } from '../../src/observe/tracing.ts';

describe('which traces are recorded', () => {
  it.each<[TracingEnvironment, ReturnType<typeof samplerOf>]>([
    [{}, { ratio: 1, parentBased: true }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { ratio: 1, parentBased: false }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { ratio: 0, parentBased: true }],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
      { ratio: 0.25, parentBased: false },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' },
      { ratio: 1, parentBased: true },
    ],
    [{ OTEL_TRACES_SAMPLER: 'xray' }, undefined],
  ])('%j: %j', (environment, expected) => {
    expect(samplerOf(environment)).toEqual(expected);
  });
});

describe('when spans are exported', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };

  it.each<[TracingEnvironment, boolean]>([
    [{}, false],
    [{ OTEL_TRACES_EXPORTER: 'none', ...endpoint }, false],
    [{ OTEL_SDK_DISABLED: 'true', ...endpoint }, false],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [endpoint, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' }, true],
  ])('%j: %s', async (environment, expected) => {
    const tracing = await openTracing(environment, '1.0.0', () => undefined);
    expect(tracing !== undefined).toBe(expected);
    await tracing?.close(1000);
  });

  it('says so when the sampler is not known', async () => {
    const warnings: string[] = [];
    const environment = { ...endpoint, OTEL_TRACES_SAMPLER: 'xray' };
    const tracing = await openTracing(environment, '1.0.0', (message) => warnings.push(message));
    expect(warnings).toEqual(['OTEL_TRACES_SAMPLER: not known: xray; all is sampled']);
    expect(tracing?.plan).toEqual({ ratio: 1, parentBased: true, ownIds: true });
    await tracing?.close(1000);
  });
});

import { ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api';
import type { AccessBatch } from './access-log.ts';
import { SpanMaker } from './spans.ts';
import type { TracingPlan } from './trace-record.ts';

/** Spans on their way to a collector. */
export interface Tracing {
  /** How workers are to trace. */
  readonly plan: TracingPlan;
  /** Makes spans of a batch of requests. */
  take(batch: AccessBatch): void;
  /** Exports what is held, for `limitMs` at most. */
  close(limitMs: number): Promise<void>;
}

/** The environment, as far as it is about tracing; the names are those of OpenTelemetry. */
export type TracingEnvironment = Readonly<Record<string, string | undefined>>;

/** True when the environment asks for spans to be sent somewhere. */
function wantsExporter(environment: TracingEnvironment): boolean {
  const exporter = environment['OTEL_TRACES_EXPORTER'];
  if (exporter !== undefined && exporter !== '') return exporter.split(',').includes('otlp');
  return Boolean(environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

/**
 * What `OTEL_TRACES_SAMPLER` and its argument say of which traces to record: of all when nothing is said; `undefined` when
 * it is not one of OpenTelemetry's own samplers.
 */
export function samplerOf(environment: TracingEnvironment): Omit<TracingPlan, 'ownIds'> | undefined {
  const name = environment['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  const written = Number(environment['OTEL_TRACES_SAMPLER_ARG'] || 1);
  const ratio = written >= 0 && written <= 1 ? written : 1;
  const ratios: Readonly<Record<string, number>> = { always_on: 1, always_off: 0, traceidratio: ratio };
  const parentBased = name.startsWith('parentbased_');
  const known = ratios[parentBased ? name.slice('parentbased_'.length) : name];
  return known === undefined ? undefined : { ratio: known, parentBased };
}

/** The tracer of a provider that was registered before Fairlead started, by a module of `--import`. */
function registeredTracer(version: string): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Without a provider the API hands out one that waits for it; what it knows of a real one is its tracers.
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer('fairlead', version)
    : provider.getTracer('fairlead', version);
}

/**
 * Starts tracing if somebody is to get the spans: a provider that is registered already, or a collector that the
 * environment names. The SDK is loaded only for the latter. `warn` is told of settings that have no effect.
 */
export async function openTracing(
  environment: TracingEnvironment,
  version: string,
  warn: (message: string) => void,
): Promise<Tracing | undefined> {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const registered = registeredTracer(version);
  if (registered !== undefined) {
    const spans = new SpanMaker(registered);
    return {
      plan: { ratio: 1, parentBased: true, ownIds: false },
      take: (batch) => spans.take(batch),
      close: async () => undefined,
    };
  }
  if (!wantsExporter(environment)) return undefined;
  const sampler = samplerOf(environment);
  if (sampler === undefined)
    warn(`OTEL_TRACES_SAMPLER: not known: ${environment['OTEL_TRACES_SAMPLER']}; all is sampled`);
  const { openExporter } = await import('./span-exporter.ts');
  const exporter = openExporter(version);
  const spans = new SpanMaker(exporter.tracer, exporter.ids);
  return {
    plan: { ...(sampler ?? { ratio: 1, parentBased: true }), ownIds: true },
    take: (batch) => spans.take(batch),
    close: exporter.close,
  };
}

import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, type IdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanIds } from './spans.ts';

/** Gives the next span the ids that it is told, since backends have been told them before. */
class ChosenIds implements IdGenerator, SpanIds {
  traceId = '';
  spanId = '';

  generateTraceId(): string {
    return this.traceId;
  }

  generateSpanId(): string {
    return this.spanId;
  }
}

/** The SDK's way to a collector. */
export interface SpanExport {
  readonly tracer: Tracer;
  readonly ids: SpanIds;
  close(limitMs: number): Promise<void>;
}

/**
 * Sends spans as OTLP over HTTP to where `OTEL_EXPORTER_OTLP_*` says, in batches. `OTEL_SERVICE_NAME` and
 * `OTEL_RESOURCE_ATTRIBUTES` say whose they are; else they are `fairlead`'s.
 */
export function openExporter(version: string): SpanExport {
  const ids = new ChosenIds();
  const own = resourceFromAttributes({ 'service.name': 'fairlead', 'service.version': version });
  const named = detectResources({ detectors: [envDetector, serviceNameEnvDetector] });
  const provider = new TracerProvider({
    // Workers have decided already, at the start of each request.
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
    resource: defaultResource().merge(own).merge(named),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 1000 })],
  });
  return {
    tracer: provider.getTracer('fairlead', version),
    ids,
    async close(limitMs) {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), limit]);
      clearTimeout(timer);
    },
  };
}

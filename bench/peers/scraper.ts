import { readMetrics } from '../lib/metrics.ts';

/** Asks for the metrics of this admin port once a second, as Prometheus does, until it is ended; a failure ends it. */
const adminPort = Number(process.argv[2]);
setInterval(() => readMetrics(adminPort), 1000);

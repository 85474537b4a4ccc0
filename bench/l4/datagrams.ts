import { DNS_NAME, startDnsBackends } from '../backends/dns-backend.ts';
import { runDnsperf } from '../lib/dnsperf.ts';
import type { Workload } from '../peers/workloads.ts';

const BACKENDS = 3;

/** DNS over UDP: each of the generator's sockets is a flow, pinned to one of three servers. */
export const udpWorkload: Workload = {
  name: 'l4-udp',
  title: 'L4, DNS over UDP, a flow for each connection',
  layer: 'l4-udp',
  kind: 'requests',
  startBackends: (group, core) => startDnsBackends(group, BACKENDS, core),
  run: async (group, drive) => {
    const { answers: units, answersPerSecond: rate, errors } = await runDnsperf(group, { ...drive, name: DNS_NAME });
    return { units, rate, p99Ms: Number.NaN, errors };
  },
};

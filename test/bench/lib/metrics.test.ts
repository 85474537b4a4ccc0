import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readPicks, sumByLabel } from '../../../bench/lib/metrics.ts';

const TEXT = `# HELP fairlead_backend_picks_total Picks.
# TYPE fairlead_backend_picks_total counter
fairlead_backend_picks_total{pool="apps",backend="app-1"} 120
fairlead_backend_picks_total{backend="app-2",pool="apps"} 80 1700000000000
fairlead_backend_picks_total{pool="other",backend="app-1"} 3
fairlead_backend_picks_total{pool="apps",subbackend="app-9"} 5
fairlead_backend_picks_total_created{pool="apps",backend="app-1"} 1e9
fairlead_backend_active{pool="apps",backend="app-1"} 7
`;

describe('sumByLabel', () => {
  it('sums the series of one metric by a label, wherever the label stands', () => {
    expect(sumByLabel(TEXT, 'fairlead_backend_picks_total', 'backend')).toEqual({ 'app-1': 123, 'app-2': 80 });
    expect(sumByLabel(TEXT, 'fairlead_backend_picks_total', 'pool')).toEqual({ apps: 205, other: 3 });
    expect(sumByLabel(TEXT, 'fairlead_nothing', 'backend')).toEqual({});
  });
});

describe('readPicks', () => {
  async function served(status: number, use: (port: number) => Promise<void>): Promise<void> {
    const admin = createServer((request, response) => {
      response.writeHead(request.url === '/metrics' ? status : 404).end(TEXT);
    });
    await new Promise<void>((resolve) => admin.listen(0, '127.0.0.1', resolve));
    await use((admin.address() as { port: number }).port);
    admin.closeAllConnections();
    await new Promise((resolve) => admin.close(resolve));
  }

  it('reads them from the admin address, and rejects an answer that is none', async () => {
    await served(200, async (port) => expect(await readPicks(port)).toEqual({ 'app-1': 123, 'app-2': 80 }));
    await served(401, async (port) => expect(readPicks(port)).rejects.toThrow('/metrics answered 401'));
  });
});

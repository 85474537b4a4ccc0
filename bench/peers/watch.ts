import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../lib/ports.ts';
import type { ProcessGroup, RunningProcess } from '../lib/processes.ts';

/** What asks for the metrics once a second, in a process of its own. */
const SCRAPER = fileURLToPath(new URL('scraper.ts', import.meta.url));
const PATIENCE_MS = 20_000;

/**
 * Opens the dashboard in Chromium and scrapes the metrics, both on this core, until the group closes. Resolves once the
 * page is there, with who is looking; rejects when Chromium cannot be started or shows no page.
 */
export async function watchPeer(
  group: ProcessGroup,
  adminPort: number,
  core: number | undefined,
): Promise<RunningProcess[]> {
  const [debugPort] = (await freePorts(1)) as [number];
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${group.directory()}`];
  const page = `http://127.0.0.1:${adminPort}/`;
  const browser = await group.start({
    name: 'chromium',
    command: 'chromium',
    args: [...flags, `--remote-debugging-port=${debugPort}`, page],
    core,
  });
  const args = [SCRAPER, String(adminPort)];
  const scraper = await group.start({ name: 'scraper', command: process.execPath, args, core });
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await shows(debugPort, page))) {
    if (!browser.alive() || Date.now() > deadline) throw new Error(`chromium shows no page\n${browser.output()}`);
    await pause(100);
  }
  return [browser, scraper];
}

async function shows(debugPort: number, page: string): Promise<boolean> {
  try {
    const tabs = (await (await fetch(`http://127.0.0.1:${debugPort}/json/list`)).json()) as {
      readonly url: string;
      readonly title: string;
    }[];
    return tabs.some(({ url, title }) => url === page && title === 'Fairlead');
  } catch {
    return false;
  }
}

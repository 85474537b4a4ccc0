import { readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// What was built from sources that are gone would be packed too. The dashboard is replaced file by file while it is served.
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const built = await readdir(dist).catch((): string[] => []);
for (const name of built) if (name !== 'dashboard') await rm(dist + name, { recursive: true });

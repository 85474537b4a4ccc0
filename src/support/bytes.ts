const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const form = /^(\d{1,16})(B|KiB|MiB|GiB)?$/;

/**
 * Reads a size such as `512B`, `16KiB`, `10MiB`, `1GiB` or a plain number of bytes into bytes.
 * `KB` and `k` are refused (`undefined`): half the world reads them as 1000 and the other half as 1024.
 */
export function parseBytes(size: string | number): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const parts = form.exec(size);
  if (!parts) return undefined;
  const bytes = Number(parts[1]) * unitBytes[(parts[2] ?? 'B') as keyof typeof unitBytes];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes bytes in the largest unit that keeps them exact: 16384 is `16KiB`, 1500 is `1500B`, 0 is `0`. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return '0';
  if (bytes % unitBytes.GiB === 0) return `${bytes / unitBytes.GiB}GiB`;
  if (bytes % unitBytes.MiB === 0) return `${bytes / unitBytes.MiB}MiB`;
  if (bytes % unitBytes.KiB === 0) return `${bytes / unitBytes.KiB}KiB`;
  return `${bytes}B`;
}

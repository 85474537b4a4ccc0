import { open } from 'node:fs/promises';

/** The largest config file in bytes. */
export const largestFileBytes = 8 * 1024 ** 2;

/** The text of a file, or why it cannot be had, in words. */
export type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'this is a directory, expected a file',
  EACCES: 'the file may not be read',
  EPERM: 'the file may not be read',
};

/** Reads a text file in UTF-8, without a byte order mark and up to `largestFileBytes`. Never throws. */
export async function readText(path: string): Promise<ReadText> {
  try {
    const file = await open(path);
    try {
      if ((await file.stat()).isDirectory()) return { ok: false, message: reasons['EISDIR']! };
      const buffer = Buffer.alloc(largestFileBytes + 1);
      let length = 0;
      for (let bytesRead = -1; bytesRead !== 0 && length < buffer.length; length += bytesRead) {
        ({ bytesRead } = await file.read(buffer, length, buffer.length - length));
      }
      if (length > largestFileBytes) return { ok: false, message: `the file is over ${largestFileBytes} bytes` };
      return { ok: true, text: new TextDecoder().decode(buffer.subarray(0, length)) };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, message: reasons[code ?? ''] ?? `the file cannot be read: ${message}` };
  }
}

import type { ChildProcess } from 'node:child_process';

/** What a program writes, to both of its streams, in the order in which it comes. */
export class Output {
  text = '';

  constructor({ stdout, stderr }: ChildProcess) {
    for (const stream of [stdout!, stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
      });
    }
  }
}

import { Session } from 'node:inspector';

interface Attached {
  readonly params: { readonly sessionId: string };
}

/** The worker thread of this process that was started last runs a loop without an end from now on. */
export async function holdUpNewestWorker(): Promise<void> {
  const session = new Session();
  const workers: string[] = [];
  session.connect();
  session.on('NodeWorker.attachedToWorker', ({ params }: Attached) => workers.push(params.sessionId));
  const post = (method: string, params: object) =>
    new Promise<void>((resolve, reject) =>
      session.post(method, params, (error) => (error === null ? resolve() : reject(error))),
    );
  await post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } });
  await post('NodeWorker.sendMessageToWorker', { sessionId: workers.at(-1)!, message });
}

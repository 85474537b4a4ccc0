import { createServer } from 'node:net';

/**
 * A backend that answers every request with its size of body after its time, however many there are: it waits by timer.
 * `node steady-backend.ts PORT DELAY_MS BODY_BYTES`.
 */
function main([port = '0', delayMs = '0', bytes = '64']: readonly string[]): void {
  const body = 'x'.repeat(Number(bytes));
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => setTimeout(() => socket.writable && socket.write(answer), Number(delayMs)));
  });
  server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
}

if (import.meta.main) main(process.argv.slice(2));

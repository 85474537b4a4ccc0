import { createServer } from 'node:net';

/** A backend that takes requests and never answers, so that nothing but a timer ends a slow body. Argument: its port. */
createServer((socket) => socket.on('error', () => {}).resume()).listen(Number(process.argv[2]), '127.0.0.1');

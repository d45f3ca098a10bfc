import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { answerQuestions } from './process.ts';

/** The least that answers a unary call: it reads nothing, and always says the same. */
let answer = Buffer.alloc(0);
const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };

const server = createServer();
server.on('stream', (stream) => {
  stream.resume();
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(answer);
});
const port = await new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
});

answerQuestions({
  port: () => port,
  answerWith: (frame: Uint8Array) => {
    answer = Buffer.from(frame);
  },
});

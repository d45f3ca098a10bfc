import { Metadata, Server, ServerCredentials, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SERVER_OPTIONS } from '../src/grpc/server.ts';
import { loadSessionService } from '../src/wire/loader.ts';
import { type BareStore, openBareStore } from './bare_store.ts';
import { answerQuestions, monotonicMs } from './process.ts';

/** The least that serves the same streams: grpc-js, and bytes that are written to all of them. */
type Call = ServerWritableStream<Buffer, Buffer>;

const calls = new Set<Call>();

const same = (bytes: Buffer) => bytes;
const { path } = loadSessionService().WatchRevocations;
const DEFINITION: ServiceDefinition = {
  Watch: {
    path,
    requestStream: false,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

let store: BareStore = await openBareStore('memory:', 0);

const server = new Server(SERVER_OPTIONS);
server.addService(DEFINITION, {
  Watch: (call: Call) => {
    // Which else go out with the first message.
    call.sendMetadata(new Metadata());
    calls.add(call);
    call.once('cancelled', () => calls.delete(call));
  },
});
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) resolve(bound);
    else reject(error);
  });
});

answerQuestions({
  port: () => port,
  open: async (url: string, bytes: number) => {
    store = await openBareStore(url, bytes);
  },
  /** One write to the store, then one frame to each stream; tells when it began. */
  tell: async (bytes: Uint8Array) => {
    const frame = Buffer.from(bytes);
    const sinceMs = monotonicMs();
    await store.updateForGood();
    for (const call of calls) call.write(frame);
    return sinceMs;
  },
  /** As fast as the slowest stream takes it. */
  write: async (count: number, base64: string) => {
    const frame = Buffer.from(base64, 'base64');
    for (let written = 0; written < count; written += 1) {
      const full = [...calls].filter((call) => !call.write(frame));
      await Promise.all(full.map((call) => new Promise((resolve) => call.once('drain', resolve))));
      await nextTurn();
    }
  },
});

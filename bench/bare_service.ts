import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { SERVER_OPTIONS } from '../src/grpc/server.ts';
import { loadSessionService } from '../src/wire/loader.ts';
import { UNARY_RPCS, type UnaryRpc } from '../test/grpc/client.ts';
import { bareSign, bareVerify } from './bare_signature.ts';
import { type BareStore, openBareStore } from './bare_store.ts';
import { answerQuestions } from './process.ts';

/** What a handler does before it answers. */
export type Work = 'nothing' | 'verify' | 'read' | 'insert' | 'insert and sign' | 'update and sign' | 'update for good';

/** The contract's messages, served by grpc-js with handlers that do the least and always answer the same. */
type Call = ServerUnaryCall<{ readonly accessToken?: string }, unknown>;

const definition = loadSessionService();
const answers = new Map<UnaryRpc, { readonly work: Work; readonly response: unknown }>();
let store: BareStore = await openBareStore('memory:', 0);
let signed = Buffer.alloc(0);

const { privateKey, publicKey: ownPublicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let publicKey: KeyObject = ownPublicKey;

const WORKS: { readonly [W in Work]: (call: Call) => unknown } = {
  nothing: () => undefined,
  verify: ({ request }) => bareVerify(request.accessToken ?? '', publicKey),
  read: () => store.read(),
  insert: () => store.insert(),
  'insert and sign': () => signAfter(store.insert()),
  'update and sign': () => signAfter(store.update()),
  'update for good': () => store.updateForGood(),
};

function sign(): Buffer {
  return bareSign(signed, privateKey);
}

/** In the same turn, where there is nothing to wait for. */
function signAfter(written: unknown): unknown {
  return written instanceof Promise ? written.then(sign) : sign();
}

function handler(rpc: UnaryRpc) {
  return (call: Call, answer: sendUnaryData<unknown>) => {
    const { work, response } = answers.get(rpc) ?? { work: 'nothing', response: {} };
    const done = WORKS[work](call);
    if (!(done instanceof Promise)) return answer(null, response);
    done.then(
      () => answer(null, response),
      (error: unknown) => answer({ code: status.INTERNAL, details: String(error) }),
    );
  };
}

const server = new Server(SERVER_OPTIONS);
server.addService(definition, Object.fromEntries(UNARY_RPCS.map((rpc) => [rpc, handler(rpc)])));
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) resolve(bound);
    else reject(error);
  });
});

answerQuestions({
  port: () => port,
  /** @param bytes how large its values are */
  open: async (url: string, bytes: number) => {
    store = await openBareStore(url, bytes);
  },
  /** What it verifies with, and a token of which it signs what is signed of it. */
  tokens: (key: string, token: string) => {
    publicKey = createPublicKey(key);
    signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
  },
  answer: (rpc: UnaryRpc, work: Work, response: Uint8Array) => {
    answers.set(rpc, { work, response: definition[rpc].responseDeserialize(Buffer.from(response)) });
  },
});

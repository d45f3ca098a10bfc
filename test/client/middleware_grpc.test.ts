import assert from 'node:assert/strict';
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { authenticate, sessionOf } from '../../src/client/middleware/grpc.ts';
import { freePort } from '../harness.ts';
import { RpcError } from '../grpc/client.ts';
import { startAuthority, type TestAuthority, verifierOf } from './authority.ts';

const text = (bytes: Buffer) => bytes.toString();
const bytes = (value: string) => Buffer.from(value);
const METHOD = {
  requestSerialize: bytes,
  requestDeserialize: text,
  responseSerialize: bytes,
  responseDeserialize: text,
};
const SERVICE = {
  Unary: { ...METHOD, path: '/test.Who/Unary', requestStream: false, responseStream: false },
  Stream: { ...METHOD, path: '/test.Who/Stream', requestStream: false, responseStream: true },
  Bidi: { ...METHOD, path: '/test.Who/Bidi', requestStream: true, responseStream: true },
  Open: { ...METHOD, path: '/test.Who/Open', requestStream: false, responseStream: false },
};

const unary: handleUnaryCall<string, string> = (call, answer) =>
  answer(null, `${sessionOf(call).userId} ${call.request}`);
const stream: handleServerStreamingCall<string, string> = (call) => {
  call.write(sessionOf(call).userId);
  call.end();
};
const bidi: handleBidiStreamingCall<string, string> = (call) => {
  call.on('data', (message: string) => call.write(`${sessionOf(call).userId} ${message}`));
  call.on('end', () => call.end());
};
const open: handleUnaryCall<string, string> = (call, answer) => {
  try {
    sessionOf(call);
  } catch (error) {
    answer(null, (error as Error).message);
  }
};

describe('authenticate on grpc-js', () => {
  const ends: (() => void)[] = [];
  let parts: TestAuthority;
  let client: Client;

  /** A server that lets everybody call Open, and its client. */
  const serve = async (verifier: Parameters<typeof authenticate>[0]['verifier']): Promise<Client> => {
    const guard = authenticate({ verifier });
    const server = new Server({
      interceptors: [
        (method, call) => (method.path === '/test.Who/Open' ? new ServerInterceptingCall(call) : guard(method, call)),
      ],
    });
    server.addService(SERVICE, { Unary: unary, Stream: stream, Bidi: bidi, Open: open });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    ends.push(
      () => client.close(),
      () => server.forceShutdown(),
    );
    return client;
  };

  before(async () => {
    parts = await startAuthority();
    client = await serve(parts.verifier);
  });
  after(async () => {
    for (const end of ends) end();
    await parts.stop();
  });

  const bearer = async (userId = 'alice') => {
    const { tokens } = await parts.authority.createSession({ userId });
    return `Bearer ${tokens.accessToken}`;
  };
  const headers = (authorization?: string) => {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set('authorization', authorization);
    return metadata;
  };
  const call = (metadata: Metadata, path = SERVICE.Unary.path, to = client): Promise<string> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: string) =>
        error === null ? resolve(answer ?? '') : reject(new RpcError(error));
      to.makeUnaryRequest(path, bytes, text, 'hello', metadata, done);
    });
  const refuses = (metadata: Metadata, status: string, reason: string, to = client) =>
    assert.rejects(call(metadata, SERVICE.Unary.path, to), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.status, error.reason, error.domain], [status, reason, 'sessionauthority']);
      return true;
    });

  it('lets a good token pass, and tells a unary handler whose it is', async () => {
    assert.equal(await call(headers(await bearer())), 'alice hello');
  });

  it('tells a handler that streams', async () => {
    const answers = client.makeServerStreamRequest(
      SERVICE.Stream.path,
      bytes,
      text,
      'hello',
      headers(await bearer('bob')),
    );
    assert.deepEqual(await answers.toArray(), ['bob']);
  });

  it('tells a handler that both reads and writes a stream, and loses no message sent before the decision', async () => {
    const duplex = client.makeBidiStreamRequest(SERVICE.Bidi.path, bytes, text, headers(await bearer('bob')));
    for (const message of ['1', '2', '3']) duplex.write(message);
    duplex.end();
    assert.deepEqual(await duplex.toArray(), ['bob 1', 'bob 2', 'bob 3']);
  });

  it('refuses a stream', async () => {
    const answers = client.makeServerStreamRequest(SERVICE.Stream.path, bytes, text, 'hello', headers());
    await assert.rejects(answers.toArray(), (error) => new RpcError(error as ServiceError).reason === 'MISSING');
  });

  it('refuses without a bearer token, and with two', async () => {
    for (const metadata of [headers(), headers('Basic YTpi')]) await refuses(metadata, 'UNAUTHENTICATED', 'MISSING');
    const two = `${await bearer()}, ${await bearer('mallory')}`;
    for (const bad of ['Bearer nonsense', 'Bearer', two]) await refuses(headers(bad), 'UNAUTHENTICATED', 'INVALID');
  });

  it('refuses the token of a session that was revoked', async () => {
    const token = await bearer();
    await parts.authority.revokeSession({ session: { accessToken: token.slice('Bearer '.length) } });
    const deadline = Date.now() + 30_000;
    const isGood = () =>
      call(headers(token)).then(
        () => true,
        () => false,
      );
    while ((await isGood()) && Date.now() < deadline);
    await refuses(headers(token), 'UNAUTHENTICATED', 'REVOKED');
  });

  it('answers UNAVAILABLE where it can not be told, and when to try again', async () => {
    const nobody = verifierOf(`127.0.0.1:${await freePort()}`);
    const to = await serve(nobody.verifier);
    const metadata = headers(await bearer());
    await refuses(metadata, 'UNAVAILABLE', 'UNAVAILABLE', to);
    await assert.rejects(call(metadata, SERVICE.Unary.path, to), { retryAfterMs: 1000 });
    nobody.verifier.close();
    nobody.authority.close();
  });

  it('answers INTERNAL, and no more, for a fault', async () => {
    const to = await serve({ verify: () => Promise.reject(new Error('broken')) });
    await assert.rejects(call(headers('Bearer x'), SERVICE.Unary.path, to), {
      status: 'INTERNAL',
      message: 'internal error',
    });
  });

  it('can be left out for a method, whose handler then has no session', async () => {
    assert.match(await call(headers(), SERVICE.Open.path), /no session/);
  });
});

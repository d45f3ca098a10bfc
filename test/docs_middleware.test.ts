import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, credentials, Metadata, type Server, ServerCredentials } from '@grpc/grpc-js';
import type { FastifyInstance } from 'fastify';
import { startAuthority, type TestAuthority } from './client/authority.ts';
import { temporaryFolder } from './harness.ts';
import { listen, send } from './http_client.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/node-client.md'), 'utf8');
const [, SECTION = ''] = /^## Middleware\n([^]*?)^## /m.exec(TEXT) ?? [];

/** The sample of a subsection. */
function sampleOf(title: string): string {
  const [, sample = ''] = new RegExp(`^### ${title}\n\n\`\`\`js\n([^]*?)^\`\`\``, 'm').exec(SECTION) ?? [];
  return sample;
}

const toBytes = (value: object) => Buffer.from(JSON.stringify(value));
const fromBytes = (bytes: Buffer) => JSON.parse(bytes.toString()) as object;
const LIST = { path: '/shop.Orders/List', requestStream: false, responseStream: false } as const;
const SERIALIZERS = {
  requestSerialize: toBytes,
  requestDeserialize: fromBytes,
  responseSerialize: toBytes,
  responseDeserialize: fromBytes,
};

describe('docs/node-client.md, middleware', () => {
  const folder = temporaryFolder();
  let parts: TestAuthority;
  let authorization: string;

  before(async () => {
    parts = await startAuthority();
    const { tokens } = await parts.authority.createSession({ userId: 'alice', claims: { role: 'admin' } });
    authorization = `Bearer ${tokens.accessToken}`;
    for (const name of ['node_modules', 'package.json', 'dist']) symlinkSync(join(ROOT, name), join(folder.path, name));
  });
  after(async () => {
    await parts.stop();
    folder.remove();
  });

  /** What the sample calls `name`, with what it takes for given. */
  const run = async <T>(title: string, name: string, given: Record<string, unknown>): Promise<T> => {
    const names = Object.keys(given).join(', ');
    const file = join(folder.path, `${title.replaceAll(' ', '_')}.mjs`);
    const begin = `const { ${names} } = globalThis.given;\n`;
    writeFileSync(file, `${begin}${sampleOf(title)}\nexport { ${name} as made };\n`);
    Object.assign(globalThis, { given });
    const { made } = (await import(pathToFileURL(file).href)) as { made: T };
    return made;
  };

  it('has no other samples than those run here', () => {
    const titles = [...SECTION.matchAll(/^### (.*)$/gm)].map(([, title]) => title ?? '');
    assert.deepEqual(titles, ['express and connect', 'Fastify', 'gRPC', 'Cookies']);
    assert.equal(titles.filter((title) => sampleOf(title) !== '').length, SECTION.split('```').length >> 1);
  });

  it('guards express', async () => {
    const { verifier } = parts;
    const app = await run<RequestListener>('express and connect', 'app', { verifier });
    const server = createServer(app);
    const port = await listen(server);
    const { body } = await send(port, 'GET /orders', { authorization });
    assert.deepEqual(JSON.parse(body), { userId: 'alice', role: 'admin' });
    assert.equal((await send(port, 'GET /orders')).status, 401);
    server.close();
  });

  it('guards Fastify', async () => {
    const { verifier } = parts;
    const app = await run<FastifyInstance>('Fastify', 'app', { verifier });
    await app.ready();
    const { body } = await app.inject({ url: '/orders', headers: { authorization } });
    assert.deepEqual(JSON.parse(body), { userId: 'alice' });
    assert.equal((await app.inject({ url: '/orders' })).statusCode, 401);
    await app.close();
  });

  it('guards grpc-js', async () => {
    const { verifier } = parts;
    const server = await run<Server>('gRPC', 'server', { verifier, orders: { List: { ...LIST, ...SERIALIZERS } } });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', authorization);
    const answer = await new Promise((resolve, reject) => {
      client.makeUnaryRequest(LIST.path, toBytes, fromBytes, {}, metadata, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
    assert.deepEqual(answer, { userId: 'alice' });
    client.close();
    server.forceShutdown();
  });

  it('keeps a session in a cookie', async () => {
    const { verifier, authority } = parts;
    const checkPassword = async () => 'carol';
    const app = await run<RequestListener>('Cookies', 'app', { verifier, authority, checkPassword });
    const server = createServer(app);
    const port = await listen(server);
    const login = await send(port, 'POST /login', { 'sec-fetch-site': 'same-origin' });
    const cookie = login.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    assert.equal((await send(port, 'GET /', { cookie })).body, 'carol');
    assert.equal((await send(port, 'POST /logout', { cookie })).status, 403);
    const logout = await send(port, 'POST /logout', { cookie, 'sec-fetch-site': 'same-origin' });
    assert.match(String(logout.headers['set-cookie']), /^__Host-session=; Max-Age=0/);
    server.close();
  });
});

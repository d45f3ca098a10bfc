import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { startTestServer, type TestServer } from '../harness.ts';
import { open, refresh } from './expect.ts';

/** Everything that lies beside the database, the key file apart. */
function stored({ databasePath }: TestServer): Buffer {
  const folder = dirname(databasePath);
  const names = readdirSync(folder).filter((name) => name !== `${basename(databasePath)}.master-key`);
  return Buffer.concat(names.map((name) => readFileSync(join(folder, name))));
}

/** The bytes in every form that they could be written in. */
function spellings(bytes: Buffer): readonly (string | Buffer)[] {
  return [bytes, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
}

/** A token, its hash, and the part of it that nobody can make without the key. */
function traces(token: string): readonly (string | Buffer)[] {
  const signature = token.split('.')[2];
  const proof =
    signature === undefined
      ? Buffer.from(token.slice(4, -6), 'base64url').subarray(-32)
      : Buffer.from(signature, 'base64url');
  return [token, ...spellings(createHash('sha256').update(token).digest()), ...spellings(proof)];
}

describe('a stolen database', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());

  it('has no token, no hash of one, and no tag or signature', async () => {
    const { client } = server;
    const user = { userId: 'ann', requestId: randomUUID() };
    const first = await open(client, user);
    const second = await refresh(client, first.tokens.refreshToken, { requestId: randomUUID() });
    const third = await refresh(client, second.tokens.refreshToken);
    const opaque = await open(client, { ...user, requestId: randomUUID(), tokenMode: 'TOKEN_MODE_OPAQUE' });
    const { sessionToken } = opaque.tokens;
    const rotated = await client.call('RotateSession', { requestId: randomUUID(), session: { sessionToken } });
    await client.call('RevokeSession', { requestId: randomUUID(), session: { accessToken: first.tokens.accessToken } });

    const all = [first.tokens, second.tokens, third.tokens, opaque.tokens, rotated.tokens ?? opaque.tokens];
    const tokens = all.flatMap((given) => [given.accessToken, given.refreshToken, given.sessionToken]).filter(Boolean);
    assert.equal(new Set(tokens).size, 8);
    const bytes = stored(server);
    // What is there is found, so that what is not is not overlooked.
    assert(bytes.includes(opaque.session.sessionId));
    for (const trace of tokens.flatMap(traces)) assert(!bytes.includes(trace));
  });
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertVerdict, inParallel, open, present, range, refresh, verdict } from '../grpc/expect.ts';
import { startService, temporaryFolder, type TestService } from '../harness.ts';

describe('two processes on one SQLite database', () => {
  const folder = temporaryFolder();
  const running = new Set<TestService>();
  after(async () => {
    for (const service of running) await service.end('SIGKILL');
    folder.remove();
  });

  const startTwo = async (name: string) => {
    const env = { STORE_URL: `sqlite:${join(folder.path, name, 'sessions.db')}` };
    const services = await Promise.all([startService(env), startService(env)]);
    for (const service of services) running.add(service);
    return services;
  };
  const end = async (services: readonly TestService[]) => {
    for (const service of services) {
      assert.deepEqual(await service.end(), { code: 0, signal: null });
      assert.equal(service.stderr, '');
      running.delete(service);
    }
  };

  it('that start at the same moment on a new one serve the same single key', async () => {
    for (const round of range(10)) {
      const services = await startTwo(`new-${round}`);
      const [one, two] = await Promise.all(services.map(({ client }) => client.call('GetJwks', {})));
      assert.equal(present(one).jwksJson, present(two).jwksJson);
      assert.equal((JSON.parse(present(one).jwksJson) as { keys: unknown[] }).keys.length, 1);
      const opened = await Promise.all(services.map(({ client }) => open(client, { userId: 'ann' })));
      const [a, b] = services.map(({ client }) => client) as [TestService['client'], TestService['client']];
      for (const { tokens } of opened) {
        await assertVerdict(a, tokens.accessToken, 'ACTIVE');
        await assertVerdict(b, tokens.accessToken, 'ACTIVE');
      }
      const next = await refresh(b, present(opened[0]).tokens.refreshToken);
      assert.equal(
        (await refresh(a, present(opened[0]).tokens.refreshToken)).tokens.refreshToken,
        next.tokens.refreshToken,
      );
      await end(services);
    }
  });

  it("honour each other's revocations in LOCAL validation at once", async () => {
    const services = await startTwo('revocations');
    const [{ client: a }, { client: b }] = services;
    for (const [here, there] of [...range(5).map(() => [a, b] as const), ...range(5).map(() => [b, a] as const)]) {
      const [one, two, three, four] = await Promise.all([
        open(here, { userId: 'one' }),
        open(there, { userId: 'two', clientId: 'web' }),
        open(here, { userId: 'three' }),
        open(there, { tenantId: 'four' }),
      ]);
      for (const { tokens } of [one, two, three, four]) {
        for (const client of [here, there]) assert.equal(await verdict(client, tokens), 'ACTIVE');
      }
      await here.call('RevokeSession', { session: { sessionId: one.session.sessionId } });
      assert.equal(await verdict(there, one.tokens), 'REVOKED');
      await there.call('RevokeSessions', { clientId: 'web' });
      assert.equal(await verdict(here, two.tokens), 'REVOKED');
      await here.call('UpdateSession', {
        session: { sessionId: three.session.sessionId },
        supersedeAccessTokens: true,
      });
      assert.equal(await verdict(there, three.tokens), 'SUPERSEDED');
      const { consistencyToken } = await there.call('RevokeSessions', { tenantId: 'four', wholeTenant: true });
      const { inactiveReason } = await here.call('ValidateSession', {
        accessToken: four.tokens.accessToken,
        consistencyToken,
      });
      assert.equal(inactiveReason, 'INACTIVE_REASON_REVOKED');
    }
    await end(services);
  });

  it('give racers one successor, and count one limit', async () => {
    const env = {
      STORE_URL: `sqlite:${join(folder.path, 'race.db')}`,
      MAX_SESSIONS_PER_USER: '5',
      MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
    };
    const services = await Promise.all([startService(env), startService(env)]);
    for (const service of services) running.add(service);
    const [{ client: a }, { client: b }] = services;
    const { tokens } = await open(a, { userId: 'ann' });
    const answers = await inParallel(range(60), 60, (index) => refresh(index % 2 === 0 ? a : b, tokens.refreshToken));
    assert.equal(new Set(answers.map((answer) => answer.tokens.refreshToken)).size, 1);
    await inParallel(range(40), 40, (index) => open(index % 2 === 0 ? a : b, { userId: 'bob' }));
    for (const client of [a, b])
      assert.equal((await client.call('ListSessions', { userId: 'bob' })).sessions.length, 5);
    await end(services);
  });
});

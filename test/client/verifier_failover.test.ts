import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import {
  SessionAuthorityClient,
  SessionVerifier,
  VerificationError,
  type VerifiedSession,
} from '../../src/client/index.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { startService, type TestService } from '../harness.ts';
import { until } from '../servers/process.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';

describeOn('redis-sentinel', () => {
  describe('verifiers while the store fails over', function () {
    this.timeout(180_000);
    let redis: RedisSentinel;
    let service: TestService;
    let authority: SessionAuthorityClient;
    let verifiers: readonly SessionVerifier[];

    before(async () => {
      redis = await RedisSentinel.create();
      service = await startService({ STORE_URL: redis.url, MASTER_KEY: generateMasterKey().toString('base64') });
      authority = new SessionAuthorityClient({ target: `127.0.0.1:${service.grpcPort}` });
      const issuer = { issuer: 'http://127.0.0.1:8080', audience: 'session-authority' };
      // The second is stale between two checkpoints, and asks.
      verifiers = [5_000, 500].map((freshMs) => new SessionVerifier({ authority, ...issuer, freshMs }));
      await Promise.all(verifiers.map((verifier) => verifier.ready()));
    });

    after(async () => {
      for (const verifier of verifiers) verifier.close();
      authority.close();
      await service.end();
      await redis.remove();
    });

    const login = async (userId: string) => {
      const { tokens } = await authority.createSession({ userId });
      const opaque = await authority.createSession({ userId, tokenMode: 'opaque' });
      return [tokens.accessToken, opaque.tokens.sessionToken] as const;
    };
    const reasonOf = async (verified: Promise<VerifiedSession>) => {
      try {
        return (await verified).decidedBy;
      } catch (error) {
        if (error instanceof VerificationError) return error.reason;
        throw error;
      }
    };

    it('refuse no user who is logged in, and know of all who are not', async () => {
      const live = await login('alice');
      const ended = await login('bob');
      const verifyAll = (tokens: readonly string[]) =>
        Promise.all(verifiers.flatMap((verifier) => tokens.map((token) => reasonOf(verifier.verify(token)))));
      await verifyAll(live);
      await authority.revokeSessions({ userId: 'bob' });
      await until('both know of it', async () => (await verifyAll(ended)).every((said) => said === 'revoked'));

      const former = await redis.master();
      const said = new Set<string>();
      const end = new AbortController();
      const load = (async () => {
        while (!end.signal.aborted) {
          for (const word of await verifyAll(live)) said.add(word);
          assert.deepEqual(new Set(await verifyAll(ended)), new Set(['revoked']));
          await pause(5);
        }
      })();
      former.freeze();
      await redis.failoverFrom(former);
      await until('all have caught up', async () => {
        const later = await authority.createSession({ userId: 'carol' }).catch(() => null);
        return later !== null && verifiers.every(({ state }) => state.ageMs < 2_000);
      });
      await authority.revokeSessions({ userId: 'alice' });
      await until('what was revoked since is known', async () => {
        return (await verifyAll(live)).every((word) => word === 'revoked');
      });
      end.abort();
      await load;
      former.thaw();
      said.delete('revoked');
      assert.deepEqual(
        [...said].filter((word) => !['local', 'service', 'local_stale'].includes(word)),
        [],
      );
    });
  });
});

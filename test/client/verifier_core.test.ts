import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { FrameReader } from '../../src/client/frame_reader.ts';
import { VerificationError } from '../../src/client/verified_session.ts';
import { WatchedSessions } from '../../src/client/watched_sessions.ts';
import type { RevocationScope } from '../../src/revocation/revocation.ts';
import { loadSessionService } from '../../src/wire/loader.ts';
import {
  accessToken,
  active,
  clock,
  CoreBench,
  inactive,
  NOW_MS,
  revocation,
  type Said,
  sessionId,
  sessionToken,
} from './core_bench.ts';
import { type Decision, readVectors, type Vector } from './vectors.ts';

const { WatchRevocations } = loadSessionService();

const TEN_YEARS_MS = 3650 * 24 * 3_600_000;
const ALICE = { sessionId: sessionId(1), tenantId: 'acme', userId: 'alice', clientId: 'web' };
const TOKEN = accessToken({ ...ALICE, kid: 'k1', subject: 'alice', generations: [5, 5, 5, 5], version: 3 });
const COOKIE = sessionToken(ALICE.sessionId);

const ENDED: RevocationScope = { kind: 'session', tenantId: 'acme', sessionId: ALICE.sessionId, minVersion: 0 };
const RAISED: readonly RevocationScope[] = [
  { kind: 'user', tenantId: 'acme', userId: 'alice', minGeneration: 9, exceptSessionId: '' },
  { kind: 'user', tenantId: 'acme', userId: 'alice', minGeneration: 9, exceptSessionId: sessionId(2) },
  { kind: 'client', tenantId: 'acme', clientId: 'web', minGeneration: 9 },
  { kind: 'tenant', tenantId: 'acme', minGeneration: 9 },
  { kind: 'global', minGeneration: 9 },
];
const OTHERS: readonly RevocationScope[] = [
  { ...ENDED, sessionId: sessionId(2) },
  { kind: 'user', tenantId: 'acme', userId: 'bob', minGeneration: 9, exceptSessionId: '' },
  { kind: 'user', tenantId: 'other', userId: 'alice', minGeneration: 9, exceptSessionId: '' },
  { kind: 'user', tenantId: 'acme', userId: 'alice', minGeneration: 9, exceptSessionId: ALICE.sessionId },
  { kind: 'client', tenantId: 'acme', clientId: 'app', minGeneration: 9 },
  { kind: 'tenant', tenantId: 'other', minGeneration: 9 },
  { kind: 'key', kid: 'k2' },
];

/** As the vectors call it: what the service alone could tell is not trusted. */
const DECISIONS: Readonly<Record<Said, Decision | null>> = {
  local: 'good',
  revoked: 'revoked',
  superseded: 'superseded',
  unavailable: 'untrusted',
  local_stale: null,
  service: null,
  invalid: null,
  expired: null,
};

describe('VerifierCore', () => {
  let bench: CoreBench;

  beforeEach(() => {
    bench = new CoreBench();
    bench.prove();
  });

  /** Asks of the cookie once, so that its answer is held. */
  async function holdAnswer(): Promise<void> {
    const said = bench.said(COOKIE);
    (await bench.question()).answer(active(ALICE));
    assert.equal(await said, 'service');
  }

  describe('by the vectors', () => {
    const tokensOf = ({ tokens }: Vector) =>
      Object.entries(tokens).map(([name, { kid, sid, tid, sub, client_id, gen, ver }]) => {
        const of = { kid, sessionId: sid, tenantId: tid, subject: sub, clientId: client_id };
        return [name, accessToken({ ...of, generations: gen, version: ver }, TEN_YEARS_MS)] as const;
      });

    for (const [name, vector] of readVectors()) {
      it(`${name}: ${vector.subject}`, async () => {
        const subject = new CoreBench(undefined, vector.tenant_ids);
        const reader = new FrameReader(vector.tenant_ids);
        clock.nowMs = Date.parse(vector.now);
        const decide = async (token: string) => {
          const said = subject.said(token);
          await turn();
          for (const question of subject.questions.splice(0)) question.fail();
          return DECISIONS[await said];
        };
        for (const { note, now, binary, decisions } of vector.steps) {
          const frame = WatchRevocations.responseDeserialize(Buffer.from(binary, 'base64'));
          reader.read(frame, (event) => {
            if (event.kind === 'closing') return;
            subject.core.receive(event.kind === 'checkpoint' ? { ...event, ageMs: 0 } : event);
          });
          if (now !== undefined) clock.nowMs = Date.parse(now);
          await subject.core.view.discard(clock.nowMs);
          for (const [token, text] of tokensOf(vector)) {
            assert.equal(await decide(text), decisions[token], `${note}: ${token}`);
          }
        }
      });
    }
  });

  describe('of an access token', () => {
    it('never decides by itself before everything has been here, whatever its bounds', async () => {
      const unsynced = new CoreBench({ freshMs: Number.POSITIVE_INFINITY, maxStaleMs: Number.POSITIVE_INFINITY });
      const said = unsynced.said(TOKEN);
      (await unsynced.question()).fail();
      assert.equal(await said, 'unavailable');
    });

    it('is asked about at once, however many cookies that nobody knows are', async () => {
      for (let index = 100; index < 300; index += 1) void bench.said(sessionToken(sessionId(index)));
      await turn();
      const waiting = bench.questions.length;
      bench.ageMs = 30_000;
      const said = bench.said(TOKEN);
      await turn();
      const question = bench.questions[waiting];
      assert(waiting < 200 && question !== undefined, `${waiting} of 200 were asked, and no other`);
      question.answer(active(ALICE));
      assert.equal(await said, 'service');
    });

    it('decides by itself while its view is fresh', async () => {
      const session = await bench.core.verify(TOKEN);
      assert.deepEqual(session, {
        ...ALICE,
        expireTime: new Date(NOW_MS + 3_600_000),
        authTime: new Date(NOW_MS),
        acr: '',
        amr: [],
        actor: null,
        claims: { role: 'admin' },
        decidedBy: 'local',
      });
      assert(Object.isFrozen(session));
      assert.equal(await bench.core.verify(TOKEN), session);
      assert.equal(bench.asked, 0);
    });

    it('refuses what is known to have ended, whatever its age, and asks nobody', async () => {
      for (const scope of [ENDED, ...RAISED, { kind: 'key', kid: 'k1' } as const]) {
        for (const ageMs of [0, 30_000, Infinity]) {
          bench = new CoreBench();
          bench.ageMs = ageMs;
          bench.apply(scope);
          assert.equal(await bench.said(TOKEN), 'revoked', JSON.stringify(scope));
          assert.equal(await bench.said(TOKEN, { consistency: 'strong' }), 'revoked');
          assert.equal(bench.asked, 0);
        }
      }
    });

    it('accepts what others’ ends name', async () => {
      bench.apply(...OTHERS);
      assert.equal(await bench.said(TOKEN), 'local');
    });

    it('tells a superseded token from a revoked one', async () => {
      bench.apply({ ...ENDED, minVersion: 3 });
      assert.equal(await bench.said(TOKEN), 'local');
      bench.apply({ ...ENDED, minVersion: 4 });
      assert.equal(await bench.said(TOKEN), 'superseded');
    });

    it('refuses it when its time is over, and forgets then what ended it', async () => {
      bench.apply(ENDED);
      clock.nowMs = NOW_MS + 3_600_000;
      assert.equal(await bench.said(TOKEN), 'expired');
      bench.prove();
      assert.equal(bench.core.view.size, 1);
      clock.nowMs = NOW_MS + 3 * 3_600_000;
      // A service whose clock is behind may not have forgotten it, nor a token that it ends.
      bench.core.receive({ kind: 'checkpoint', stalenessMs: 0, asOfMs: NOW_MS, ageMs: 0 });
      assert.equal(bench.core.view.size, 1);
      clock.nowMs += 61_000;
      bench.prove();
      assert.equal(bench.core.view.size, 0);
    });

    it('asks the service while its view is stale, and goes by the answer', async () => {
      bench.ageMs = 5_001;
      for (const [answer, said] of [
        [active(ALICE), 'service'],
        [inactive('revoked'), 'revoked'],
        [inactive('expired'), 'expired'],
        [inactive('superseded'), 'superseded'],
        [inactive('invalid'), 'invalid'],
        [inactive('unspecified'), 'invalid'],
      ] as const) {
        const verdict = bench.said(TOKEN);
        const question = await bench.question();
        assert.equal(question.credential, TOKEN);
        assert(question.deadlineMs > 0 && question.deadlineMs <= 1_000);
        question.answer(answer);
        assert.equal(await verdict, said);
      }
    });

    it('decides by itself while its view is stale where the service does not tell, and no later', async () => {
      for (const [ageMs, said] of [
        [5_001, 'local_stale'],
        [60_000, 'local_stale'],
        [60_001, 'unavailable'],
        [Infinity, 'unavailable'],
      ] as const) {
        bench.ageMs = ageMs;
        const verdict = bench.said(TOKEN);
        (await bench.question()).fail();
        assert.equal(await verdict, said);
      }
    });

    it('goes by an answer at any age', async () => {
      for (const ageMs of [60_001, Infinity]) {
        bench.ageMs = ageMs;
        const verdict = bench.said(TOKEN);
        (await bench.question()).answer(active(ALICE));
        assert.equal(await verdict, 'service');
      }
    });

    it('looks at its view again when the answer is there', async () => {
      bench.ageMs = 30_000;
      const revoked = bench.said(TOKEN);
      await bench.question();
      bench.apply(ENDED);
      (await bench.question()).answer(active(ALICE));
      assert.equal(await revoked, 'revoked');

      bench = new CoreBench();
      bench.prove();
      bench.ageMs = 30_000;
      const aged = bench.said(TOKEN);
      const question = await bench.question();
      bench.ageMs = 60_001;
      question.fail();
      assert.equal(await aged, 'unavailable');

      bench.ageMs = 30_000;
      const fresh = bench.said(TOKEN);
      const second = await bench.question();
      bench.ageMs = 0;
      second.fail();
      assert.equal(await fresh, 'local');
    });

    it('obeys the bounds of the call and of the verifier', async () => {
      bench.ageMs = 4_000;
      const failing = async (options: object) => {
        const said = bench.said(TOKEN, options);
        await turn();
        for (const question of bench.questions.splice(0)) question.fail();
        return said;
      };
      assert.equal(await failing({}), 'local');
      assert.equal(await failing({ freshMs: 3_999 }), 'local_stale');
      assert.equal(await failing({ maxStaleMs: 3_999 }), 'unavailable');
      assert.equal(await failing({ consistency: 'strong' }), 'unavailable');
      assert.equal(await failing({ freshMs: Number.NaN }), 'local_stale');
      bench.ageMs = 70_000;
      assert.equal(await failing({ freshMs: 80_000 }), 'unavailable');
      assert.equal(await failing({ freshMs: 80_000, maxStaleMs: 80_000 }), 'local');
      bench = new CoreBench({ freshMs: 80_000, maxStaleMs: 10_000 });
      bench.prove();
      bench.ageMs = 9_000;
      assert.equal(await failing({}), 'local');
      bench.ageMs = 11_000;
      assert.equal(await failing({}), 'unavailable');
    });

    it('asks of another tenant than those that it watches', async () => {
      bench = new CoreBench(undefined, ['other']);
      bench.prove();
      const verdict = bench.said(TOKEN);
      (await bench.question()).answer(active(ALICE));
      assert.equal(await verdict, 'service');
      const second = bench.said(TOKEN);
      (await bench.question()).fail();
      assert.equal(await second, 'unavailable');
    });

    it('asks of another tenant than those that the stream names, from then on', async () => {
      assert.equal(await bench.said(TOKEN), 'local');
      bench.open(['other']);
      bench.prove();
      for (const _ of [1, 2]) {
        const verdict = bench.said(TOKEN);
        (await bench.question()).answer(active(ALICE));
        assert.equal(await verdict, 'service');
      }
      const unanswered = bench.said(TOKEN);
      (await bench.question()).fail();
      assert.equal(await unanswered, 'unavailable');
      bench.apply(ENDED);
      assert.equal(await bench.said(TOKEN), 'revoked');
    });

    it('asks of a tenant that a stream names first until all of that is here', async () => {
      bench = new CoreBench();
      bench.open(['other']);
      bench.prove();
      bench.open(['acme', 'other']);
      assert.equal(bench.core.view.ageMs, Number.POSITIVE_INFINITY);
      const other = accessToken({
        ...ALICE,
        tenantId: 'other',
        kid: 'k1',
        subject: 'alice',
        generations: [5, 5, 5, 5],
        version: 3,
      });
      assert.equal(await bench.said(other), 'local');
      for (const part of ['nothing', 'a part', 'all of the snapshot']) {
        if (part !== 'nothing') bench.receive([revocation(OTHERS[0] as RevocationScope)], true);
        if (part.startsWith('all')) bench.core.receive({ kind: 'snapshot_complete' });
        const verdict = bench.said(TOKEN);
        (await bench.question()).fail();
        assert.equal(await verdict, 'unavailable', part);
      }
      bench.prove();
      assert.equal(await bench.said(TOKEN), 'local');
    });

    it('asks of every one from when it was sent what it can not read', async () => {
      bench.core.receive({ kind: 'unknown_scope' });
      bench.prove();
      const verdict = bench.said(TOKEN);
      (await bench.question()).answer(active(ALICE));
      assert.equal(await verdict, 'service');
      const second = bench.said(TOKEN);
      (await bench.question()).fail();
      assert.equal(await second, 'unavailable');
      bench.apply(ENDED);
      assert.equal(await bench.said(TOKEN), 'revoked');
    });

    it('refuses whatever is no token', async () => {
      for (const token of [
        '',
        'sas_',
        COOKIE.slice(1),
        `${COOKIE}x`,
        COOKIE.slice(0, -1),
        'a.b.c',
        `${TOKEN}x`,
        1,
        null,
      ]) {
        assert.equal(await bench.said(token as string), 'invalid');
      }
      assert.equal(bench.asked, 0);
    });
  });

  describe('of questions', () => {
    it('asks once for all who want to know of one token at once', async () => {
      bench.ageMs = 30_000;
      const all = Array.from({ length: 1000 }, () => bench.said(TOKEN));
      (await bench.question()).answer(active(ALICE));
      assert.deepEqual(new Set(await Promise.all(all)), new Set(['service']));
      const opaque = Array.from({ length: 1000 }, () => bench.said(COOKIE));
      (await bench.question()).answer(active(ALICE));
      assert.deepEqual(new Set(await Promise.all(opaque)), new Set(['service']));
      assert.equal(bench.asked, 2);
    });

    it('gives a strong call no answer to a question from before it', async () => {
      const first = bench.said(TOKEN, { consistency: 'strong' });
      const question = await bench.question();
      const later = Array.from({ length: 100 }, () => bench.said(TOKEN, { consistency: 'strong' }));
      question.answer(active(ALICE));
      assert.equal(await first, 'service');
      (await bench.question()).answer(inactive('revoked'));
      assert.deepEqual(new Set(await Promise.all(later)), new Set(['revoked']));
      assert.equal(bench.asked, 2);
    });

    it('has 64 under way at most, and the others wait their turn', async () => {
      bench.ageMs = 30_000;
      const of = (index: number) => ({ ...ALICE, sessionId: sessionId(index) });
      const all = Array.from({ length: 200 }, (_, index) => bench.said(sessionToken(of(index).sessionId)));
      let answered = 0;
      while (answered < 200) {
        await bench.question();
        await turn();
        assert(bench.questions.length <= 64);
        answered += bench.questions.length;
        for (const question of bench.questions.splice(0)) question.answer(inactive('invalid'));
      }
      assert.deepEqual(new Set(await Promise.all(all)), new Set(['invalid']));
      assert.equal(bench.asked, 200);
    });

    it('waits no longer than for its deadline, for its turn as for an answer', async () => {
      bench.ageMs = 30_000;
      const tokens = Array.from({ length: 100 }, (_, index) =>
        accessToken({
          ...ALICE,
          sessionId: sessionId(index),
          kid: 'k1',
          subject: 'alice',
          generations: [5, 5, 5, 5],
          version: 3,
        }),
      );
      const all = await Promise.all(tokens.map((token) => bench.said(token)));
      assert.deepEqual(new Set(all), new Set(['local_stale']));
      assert.equal(bench.asked, 64);
    });

    it('leaves nobody waiting when it is closed', async () => {
      bench.ageMs = 30_000;
      const all = Array.from({ length: 100 }, (_, index) => bench.said(sessionToken(sessionId(index))));
      await bench.question();
      bench.core.close();
      assert.deepEqual(new Set(await Promise.all(all)), new Set(['unavailable']));
      assert.equal(await bench.said(sessionToken(sessionId(101))), 'unavailable');
    });
  });

  describe('of a session token', () => {
    it('asks once, and goes by the answer for as long as that may be reused', async () => {
      await holdAnswer();
      const session = await bench.core.verify(COOKIE);
      const { expireTime } = active(ALICE);
      const content = { ...ALICE, expireTime, authTime: new Date(NOW_MS), acr: '', amr: [], actor: null };
      assert.deepEqual(session, { ...content, claims: { role: 'admin' }, decidedBy: 'local' });
      assert(Object.isFrozen(session));
      clock.nowMs += 59_999;
      assert.equal(await bench.said(COOKIE), 'local');
      assert.equal(bench.asked, 1);
      clock.nowMs += 1;
      const again = bench.said(COOKIE);
      (await bench.question()).answer(inactive('expired'));
      assert.equal(await again, 'expired');
    });

    it('asks again while its view is stale, and goes by the answer it has where it gets none', async () => {
      await holdAnswer();
      bench.ageMs = 5_001;
      const told = bench.said(COOKIE);
      (await bench.question()).answer(active(ALICE));
      assert.equal(await told, 'service');
      const untold = async () => {
        const said = bench.said(COOKIE);
        (await bench.question()).fail();
        return said;
      };
      assert.equal(await untold(), 'local_stale');
      bench.ageMs = 60_001;
      assert.equal(await untold(), 'unavailable');
      bench.ageMs = 5_001;
      clock.nowMs += 60_000;
      assert.equal(await untold(), 'unavailable');
    });

    it('reuses no answer while the stream tells nothing of its tenant, nor one that was overtaken meanwhile', async () => {
      await holdAnswer();
      bench.open(['other']);
      bench.prove();
      const untold = bench.said(COOKIE);
      (await bench.question()).fail();
      assert.equal(await untold, 'unavailable');
      bench.open(['acme', 'other']);
      bench.receive([revocation(RAISED[0] as RevocationScope)], true);
      bench.core.receive({ kind: 'snapshot_complete' });
      bench.prove();
      const said = bench.said(COOKIE);
      (await bench.question()).answer(inactive('revoked'));
      assert.equal(await said, 'revoked');
    });

    it('knows for good that one is over', async () => {
      for (const [index, reason] of (['revoked', 'expired'] as const).entries()) {
        const token = sessionToken(sessionId(10 + index));
        const said = bench.said(token);
        (await bench.question()).answer(inactive(reason));
        assert.equal(await said, reason);
        assert.equal(await bench.said(token, { consistency: 'strong' }), reason);
      }
      await holdAnswer();
      bench.apply(ENDED);
      bench.ageMs = Infinity;
      assert.equal(await bench.said(COOKIE, { consistency: 'strong' }), 'revoked');
      assert.equal(bench.asked, 3);
    });

    it('asks again after a revocation that may have ended the session since', async () => {
      for (const scope of [...RAISED, { ...ENDED, minVersion: 4 } as const]) {
        bench = new CoreBench();
        bench.prove();
        await holdAnswer();
        bench.apply(scope);
        const again = bench.said(COOKIE);
        (await bench.question()).answer(active(ALICE));
        assert.equal(await again, 'service', JSON.stringify(scope));
        assert.equal(await bench.said(COOKIE), 'local');
        bench.apply(scope);
        const untold = bench.said(COOKIE);
        (await bench.question()).fail();
        assert.equal(await untold, 'unavailable');
      }
    });

    it('does not ask again after others, nor after what came before the question', async () => {
      bench.apply(...RAISED);
      await holdAnswer();
      bench.apply(...OTHERS);
      assert.equal(await bench.said(COOKIE), 'local');
      assert.equal(bench.asked, 1);
    });

    it('is not misled by an exception that comes behind a revocation that spares nobody', async () => {
      await holdAnswer();
      bench.apply(RAISED[0] as RevocationScope, {
        kind: 'user',
        tenantId: 'acme',
        userId: 'alice',
        minGeneration: 12,
        exceptSessionId: ALICE.sessionId,
      });
      const again = bench.said(COOKIE);
      (await bench.question()).answer(inactive('revoked'));
      assert.equal(await again, 'revoked');
    });

    it('does not trust an answer that a revocation has overtaken', async () => {
      for (const scope of RAISED) {
        bench = new CoreBench();
        bench.prove();
        const said = bench.said(COOKIE);
        const first = await bench.question();
        bench.apply(scope);
        first.answer(active(ALICE));
        const second = await bench.question();
        assert.notEqual(second, first);
        second.answer(inactive('revoked'));
        assert.equal(await said, 'revoked', JSON.stringify(scope));
      }
      bench = new CoreBench();
      const ended = bench.said(COOKIE);
      const question = await bench.question();
      bench.apply(ENDED);
      question.answer(active(ALICE));
      assert.equal(await ended, 'revoked');
      assert.equal(bench.asked, 1);
    });

    it('gives up where each answer is overtaken', async () => {
      const said = bench.said(COOKIE);
      for (let count = 0; count < 4; count += 1) {
        const question = await bench.question();
        bench.apply(RAISED[0] as RevocationScope);
        question.answer(active(ALICE));
      }
      assert.equal(await said, 'unavailable');
    });

    it('takes no answer that is older than what it has forgotten', async () => {
      const said = bench.said(COOKIE);
      const question = await bench.question();
      bench.apply(RAISED[0] as RevocationScope);
      clock.nowMs += 3 * 3_600_000;
      bench.prove();
      assert.equal(bench.core.view.size, 0);
      question.answer(active(ALICE));
      assert.equal(await said, 'unavailable');
    });

    it('holds no answer of the recovery window', async () => {
      const said = bench.said(COOKIE);
      (await bench.question()).answer(active(ALICE, { degraded: true }));
      assert.equal(await said, 'service');
      void bench.said(COOKIE);
      (await bench.question()).fail();
      assert.equal(bench.asked, 2);
    });

    it('has of an anonymous session its id for the user’s', async () => {
      const anonymous = { ...ALICE, userId: '' };
      const said = bench.said(COOKIE);
      (await bench.question()).answer(active(anonymous));
      assert.equal(await said, 'service');
      bench.apply({ kind: 'user', tenantId: 'acme', userId: '', minGeneration: 9, exceptSessionId: '' });
      assert.equal(await bench.said(COOKIE), 'local');
    });
  });

  describe('of sessions that are watched', () => {
    it('calls back once, for what ends the session alone', async () => {
      for (const scope of [ENDED, ...RAISED, { kind: 'key', kid: 'k1' } as const]) {
        bench = new CoreBench();
        bench.prove();
        const calls: string[] = [];
        const session = await bench.core.verify(TOKEN);
        bench.core.watch(session, () => calls.push('one'));
        const end = bench.core.watch(session, () => calls.push('other'));
        bench.core.watch(session, () => calls.push('third'));
        end();
        end();
        bench.apply(...OTHERS, { ...ENDED, minVersion: 9 });
        assert.deepEqual([calls, bench.core.isRevoked(session)], [[], false]);
        bench.apply(scope, scope);
        assert.deepEqual([calls, bench.core.isRevoked(session)], [['one', 'third'], true]);
      }
    });

    it('does so for session tokens, and cautiously', async () => {
      for (const scope of [ENDED, ...RAISED]) {
        bench = new CoreBench();
        bench.prove();
        bench.apply(...RAISED);
        await holdAnswer();
        const session = await bench.core.verify(COOKIE);
        let calls = 0;
        bench.core.watch(session, () => (calls += 1));
        bench.apply(...OTHERS, { ...ENDED, minVersion: 9 });
        assert.deepEqual([calls, bench.core.isRevoked(session)], [0, false]);
        bench.apply(scope);
        assert.deepEqual([calls, bench.core.isRevoked(session)], [1, true]);
      }
    });

    it('calls back for what has ended before it is watched, unless the watch ends first', async () => {
      const session = await bench.core.verify(TOKEN);
      bench.apply(ENDED);
      let calls = 0;
      bench.core.watch(session, () => (calls += 1));
      bench.core.watch(session, () => (calls += 1))();
      assert.equal(calls, 0);
      await turn();
      assert.equal(calls, 1);
    });

    it('tells of each revocation whether it has ended a session', async () => {
      const session = await bench.core.verify(TOKEN);
      const [raised] = RAISED as [RevocationScope];
      assert.equal(bench.core.isRevokedBy(revocation(raised), session), false);
      bench.apply(raised, ...OTHERS);
      assert.equal(bench.core.isRevokedBy(revocation(raised), session), true);
      assert.equal(bench.core.isRevokedBy(revocation(OTHERS[0] as RevocationScope), session), false);
    });

    it('tells of a session of which the stream tells nothing that it may have ended, as soon as that is so', async () => {
      await holdAnswer();
      const sessions = [await bench.core.verify(TOKEN), await bench.core.verify(COOKIE)];
      const calls: number[] = [];
      for (const [index, session] of sessions.entries()) bench.core.watch(session, () => calls.push(index));
      bench.open(['acme', 'other']);
      assert.deepEqual([calls, sessions.map((session) => bench.core.isRevoked(session))], [[], [false, false]]);
      bench.open(['other']);
      assert.deepEqual(
        [calls, sessions.map((session) => bench.core.isRevoked(session))],
        [
          [0, 1],
          [true, true],
        ],
      );
      bench.open(['other']);
      for (const [index, session] of sessions.entries()) bench.core.watch(session, () => calls.push(index));
      await turn();
      assert.deepEqual(calls, [0, 1, 0, 1]);
      bench.open([]);
      assert.deepEqual([calls.length, sessions.map((session) => bench.core.isRevoked(session))], [4, [false, false]]);
    });

    it('knows its own sessions alone', async () => {
      const session = await bench.core.verify(TOKEN);
      assert.throws(() => bench.core.isRevoked({ ...session }), TypeError);
      assert.throws(() => bench.core.watch({ ...session }, () => {}), TypeError);
    });

    it('costs a revocation no more when others are watched', async () => {
      const watched = new WatchedSessions();
      let looks = 0;
      for (let index = 0; index < 20_000; index += 1) {
        watched.add({
          subject: {
            sessionId: sessionId(index),
            tenantId: 'acme',
            subject: `user-${index}`,
            clientId: `client-${index}`,
          },
          kid: `key-${index}`,
          isRevoked: () => {
            looks += 1;
            return true;
          },
          onRevoked: () => {},
        });
      }
      const user = { kind: 'user', tenantId: 'acme', userId: 'user-3', minGeneration: 9, exceptSessionId: '' } as const;
      const named: readonly RevocationScope[] = [
        { ...ENDED, sessionId: sessionId(2) },
        user,
        { kind: 'client', tenantId: 'acme', clientId: 'client-4', minGeneration: 9 },
        { kind: 'key', kid: 'key-5' },
      ];
      for (const [index, scope] of named.entries()) {
        assert.equal(watched.take(revocation(scope)).length, 1);
        assert.equal(looks, index + 1);
      }
      assert.deepEqual(watched.take(revocation(user)), []);
      assert.equal(watched.take(revocation({ kind: 'tenant', tenantId: 'acme', minGeneration: 9 })).length, 19_996);
      assert.equal(watched.size, 0);
    });
  });

  it('throws nothing that a callback throws into the stream', async () => {
    const session = await bench.core.verify(TOKEN);
    const thrown = new Promise((resolve) => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    const fault = new Error('of the callback');
    let calls = 0;
    bench.core.watch(session, () => {
      throw fault;
    });
    bench.core.watch(session, () => (calls += 1));
    bench.apply(ENDED);
    assert.equal(calls, 1);
    assert.equal(await thrown, fault);
  });

  it('says why in an error that holds no token', async () => {
    bench.ageMs = Infinity;
    const said = bench.core.verify(TOKEN);
    (await bench.question()).fail();
    await assert.rejects(said, (error) => {
      assert(error instanceof VerificationError && error.name === 'VerificationError');
      assert(error.cause instanceof Error && error.reason === 'unavailable');
      return !`${error.stack}${error.cause.stack}`.includes(TOKEN.slice(0, 20));
    });
  });
});

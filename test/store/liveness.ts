import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Session } from '../../src/domain/session.ts';
import { RevocationSet, type TokenIdentity } from '../../src/revocation/set.ts';
import { type Bench, inTurn, onBench, type StoreInstance } from '../../src/store/conformance/bench.ts';
import {
  createCommand,
  HOUR,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stateOf,
  updateCommand,
  userScope,
} from '../../src/store/conformance/commands.ts';
import { arrive, countOf, tokenOf } from '../../src/store/conformance/observe.ts';
import type { ConformanceHarness } from '../../src/store/conformance.ts';
import { COMMAND, type Command, type CommandOf } from './liveness_commands.ts';
import { ABSOLUTE_MS, GRACE_MS, IDLE_MS, type Known, LivenessModel, MAX_SESSIONS } from './liveness_model.ts';

/** Random walks: a session is live exactly where a model without a store says so, and the log says the same. */
export function describeLiveness(name: string, harness: ConformanceHarness, numRuns: number): void {
  describe(`${name}, walked at random`, () => {
    it('agrees with a model on which sessions are live, and its log on which tokens are good', async () => {
      const walks = fc.asyncProperty(fc.array(COMMAND, { maxLength: 60, size: 'max' }), (commands) =>
        onBench(harness, (bench) => walk(bench, commands)),
      );
      await fc.assert(walks, { numRuns });
    });
  });
}

/** One walk: the model beside the store, what its log ends, and the access tokens that have not expired. */
interface Walk {
  readonly bench: Bench;
  readonly model: LivenessModel;
  readonly ended: RevocationSet;
  readonly tokens: { readonly of: Known; readonly identity: TokenIdentity }[];
}

async function walk(bench: Bench, commands: readonly Command[]): Promise<void> {
  const rules = { refreshGraceMs: GRACE_MS, maxAbsoluteTimeoutMs: ABSOLUTE_MS, endedSessionRetentionMs: HOUR };
  const stores = await bench.openAll({ ...rules, limit: { max: MAX_SESSIONS, policy: 'evict-oldest' } });
  const state: Walk = { bench, model: new LivenessModel(), ended: new RevocationSet(), tokens: [] };
  const appended = new Set<string>();
  stores[0].follow((entries) => {
    for (const { revocation } of entries) state.ended.apply(revocation);
    // Some revocations have a copy in every partition.
    for (const { tag } of entries) appended.add(tag);
  });
  for (const [index, command] of commands.entries()) {
    await take(state, inTurn(stores, index), command);
    await arrive(stores[0], () => appended.size >= state.model.logEntries);
    assert.equal(appended.size, state.model.logEntries);
    await assertAgrees(state, stores[0]);
  }
}

async function assertAgrees({ model, ended, tokens }: Walk, store: StoreInstance): Promise<void> {
  for (const known of model.known) {
    const state = await stateOf(store, known.session);
    assert.equal(state === 'active', model.isLive(known), `the model disagrees that the session is ${state}`);
  }
  for (const { of: known, identity } of tokens) {
    const live = identity.version < known.minVersion ? 'superseded' : 'good';
    assert.equal(ended.check(identity), model.wasRevoked(known) ? 'revoked' : live);
  }
}

async function take(walk: Walk, store: StoreInstance, command: Command): Promise<void> {
  switch (command.kind) {
    case 'create':
      return create(walk, store, command);
    case 'refresh':
      return refresh(walk, store, command);
    case 'touch':
      return touch(walk, store, command);
    case 'update':
      return update(walk, store, command);
    case 'rotate':
      return rotate(walk, store, command);
    case 'revoke':
      return revoke(walk, store, command);
    case 'raise':
      return raise(walk, store, command);
    case 'raise user':
      return raiseUser(walk, store, command);
    case 'advance':
      return advance(walk, command);
    case 'sweep':
      await store.sweep(3);
  }
}

function picked({ model }: Walk, pick: number): Known | undefined {
  return model.known.at(-1 - (pick % Math.max(1, model.known.length)));
}

function issue({ model, tokens }: Walk, known: Known, session: Session): void {
  assert(model.isLive(known), 'tokens are issued for a session that is not live in that very step');
  known.session = session;
  tokens.push({ of: known, identity: tokenOf(session) });
}

/** What has ended may have been swept as well. */
function assertRefused({ kind }: { readonly kind: string }, ...kinds: readonly string[]): void {
  assert([...kinds, 'unknown'].includes(kind), kind);
}

function endAll({ model }: Walk, ids: readonly string[], expected: number): void {
  assert.equal(ids.length, expected);
  for (const id of ids) {
    const known = model.known.find(({ session }) => session.sessionId === id);
    assert(known !== undefined && model.isLive(known), 'a session was ended that was not live');
    model.end(known);
  }
}

async function create(walk: Walk, store: StoreInstance, command: CommandOf<'create'>): Promise<void> {
  const { model } = walk;
  const { tenantId, userId, clientId, deviceId, variant, tokenMode } = command;
  const outcome = await store.create(
    createCommand({
      tenantId,
      userId,
      clientId,
      tokenMode,
      device: { deviceId, name: '', userAgent: '', ipAddress: '' },
      actor: variant === 'acting' ? { userId: 'support', tenantId: '', reason: '' } : null,
      idleTimeoutMs: variant === 'never idle' ? 0 : IDLE_MS,
      absoluteTimeoutMs: ABSOLUTE_MS,
    }),
  );
  if (model.isDenied(tenantId, userId)) return assert.equal(outcome.kind, 'blocked');
  assert(outcome.kind === 'created', outcome.kind);
  endAll(walk, outcome.endedSessionIds, variant === 'acting' ? 0 : model.surplus(tenantId, userId));
  issue(walk, model.begin(outcome.record.session), outcome.record.session);
}

async function refresh(walk: Walk, store: StoreInstance, { pick, back }: CommandOf<'refresh'>): Promise<void> {
  const { model } = walk;
  const known = picked(walk, pick);
  if (known === undefined) return;
  const { generation } = known.session.credential;
  const behind = Math.min(back, generation - 1);
  const outcome = await store.refresh(refreshCommand(known.session, { generation: generation - behind }));
  if (known.session.tokenMode === 'opaque') return assert.equal(outcome.kind, 'unknown');
  if (!model.isLive(known)) return assertRefused(outcome, 'revoked', 'expired');
  if (behind > 0 && !model.isWithinGrace(known, behind)) {
    assert.equal(outcome.kind, 'reused');
    return model.end(known);
  }
  const expected = behind === 0 ? 'rotated' : 'replayed';
  assert((outcome.kind === 'rotated' || outcome.kind === 'replayed') && outcome.kind === expected, outcome.kind);
  if (behind === 0) model.refresh(known);
  else assert.deepEqual(outcome.record.session.credential, known.session.credential);
  issue(walk, known, outcome.record.session);
}

async function touch(walk: Walk, store: StoreInstance, { pick }: CommandOf<'touch'>): Promise<void> {
  const known = picked(walk, pick);
  if (known === undefined) return;
  if (walk.model.isLive(known)) known.lastActiveMs = walk.model.nowMs;
  await store.read({ ...refTo(known.session), touch: true });
}

async function update(walk: Walk, store: StoreInstance, { pick, supersedes }: CommandOf<'update'>): Promise<void> {
  const known = picked(walk, pick);
  if (known === undefined) return;
  const outcome = await store.update(updateCommand(known.session, { supersedeAccessTokens: supersedes }));
  if (!walk.model.isLive(known)) return assertRefused(outcome, 'ended');
  assert(outcome.kind === 'updated', outcome.kind);
  known.session = outcome.record.session;
  if (supersedes) walk.model.supersede(known);
}

async function rotate(walk: Walk, store: StoreInstance, command: CommandOf<'rotate'>): Promise<void> {
  const { model } = walk;
  const known = picked(walk, command.pick);
  if (known === undefined) return;
  const { tenantId, userId: owner, authTimeMs, actor } = known.session;
  const { userId, startsAnew } = command;
  // Given in any case: a login would else be an authentication of that very moment.
  const change = { userId, authTimeMs: startsAnew ? authTimeMs + 1 : authTimeMs };
  const outcome = await store.rotate(rotateCommand(known.session, change));
  if (!model.isLive(known)) return assertRefused(outcome, 'ended');
  if (owner !== '' && userId !== '' && owner !== userId) return assert.equal(outcome.kind, 'other_user');
  const user = userId === '' ? owner : userId;
  if (model.isDenied(tenantId, user)) return assert.equal(outcome.kind, 'blocked');
  assert(outcome.kind === 'rotated', outcome.kind);
  const evicted = owner !== user && actor === null ? model.surplus(tenantId, user) : 0;
  endAll(walk, outcome.endedSessionIds, 1 + evicted);
  const { session } = outcome.record;
  issue(walk, model.begin(session, startsAnew ? model.nowMs : known.startMs), session);
}

async function revoke(walk: Walk, store: StoreInstance, { pick }: CommandOf<'revoke'>): Promise<void> {
  const known = picked(walk, pick);
  if (known === undefined) return;
  const isLive = walk.model.isLive(known);
  const outcome = await store.revoke(revokeCommand(known.session));
  assert(outcome.kind === 'done' && outcome.revoked === isLive);
  if (isLive) walk.model.end(known);
}

async function raise({ model }: Walk, store: StoreInstance, { scope }: CommandOf<'raise'>): Promise<void> {
  const key = Object.values(scope).join(' ');
  assert.equal(await countOf(store, raiseCommand(scope)), model.liveUnder(key).length);
  const outcome = await store.raise(raiseCommand(scope));
  assert(outcome.kind === 'done' && outcome.count === null);
  model.raise(key, null);
}

async function raiseUser(walk: Walk, store: StoreInstance, command: CommandOf<'raise user'>): Promise<void> {
  const { model } = walk;
  const { tenantId, userId, deviceId, denyHours } = command;
  const except = command.except === null ? undefined : picked(walk, command.except);
  // Half an hour off, so that no walk comes near it.
  const denyMs = denyHours === null ? null : model.nowMs + (denyHours + 0.5) * HOUR;
  const denyCreateUntilMs = denyMs === null ? null : Date.now() + denyMs;
  const change = { exceptSessionId: except?.session.sessionId ?? '', denyCreateUntilMs, deviceId };
  const counted = await store.count(raiseCommand(userScope(userId, tenantId), change));
  const outcome = await store.raise(raiseCommand(userScope(userId, tenantId), change));
  if (except !== undefined) {
    const isForeign = except.session.tenantId !== tenantId || except.session.userId !== userId;
    assert.equal(counted.kind, outcome.kind === 'done' ? 'counted' : outcome.kind);
    if (isForeign) return assert.equal(outcome.kind, 'except_unknown');
    if (!model.isLive(except)) return assertRefused(outcome, 'except_ended', 'except_unknown');
  }
  assert(outcome.kind === 'done', outcome.kind);
  const key = `user ${tenantId} ${userId}`;
  const ends = model.liveUnder(key).filter((known) => {
    return known !== except && (deviceId === '' || known.session.device.deviceId === deviceId);
  });
  assert.deepEqual(counted, { kind: 'counted', count: ends.length });
  if (denyMs !== null) model.deny(tenantId, userId, denyMs);
  if (deviceId === '') return model.raise(key, except ?? null);
  assert.equal(outcome.count, ends.length);
  for (const known of ends) model.end(known);
}

/** Far enough for every access token to expire; a service forgets then what ended them. */
async function advance({ bench, model, ended, tokens }: Walk, { hours }: CommandOf<'advance'>): Promise<void> {
  bench.clock.ms += hours * HOUR;
  model.nowMs += hours * HOUR;
  await ended.discard(Date.now() + bench.clock.ms);
  tokens.length = 0;
}

import assert from 'node:assert/strict';
import { RevocationFeed } from '../../src/revocation/feed.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { createCommand, DAY, ofKind, raiseCommand, revokeCommand } from '../../src/store/conformance/commands.ts';
import { sweepAll, tokenOf } from '../../src/store/conformance/observe.ts';
import { EmbeddedStore } from '../../src/store/embedded/store.ts';
import type { Engine } from '../../src/store/embedded/tables.ts';
import { createMemoryEngine } from '../../src/store/memory/tables.ts';

describe('The log of an embedded store', () => {
  it('delivers what another process appended even where the first attempt to read it failed', async () => {
    const shared = createMemoryEngine(Date.now());
    let hasChanged = false;
    let fails = false;
    const flaky: Engine = {
      ...shared,
      changedElsewhere: () => {
        const changed = hasChanged;
        hasChanged = false;
        return changed;
      },
      read: (step) => (fails ? assert.fail('read fault') : shared.read(step)),
    };
    const other = await EmbeddedStore.open(shared, DEFAULT_RULES, { ms: 0 });
    const feed = new RevocationFeed(await EmbeddedStore.open(flaky, DEFAULT_RULES, { ms: 0 }), Date.now);
    const { session } = ofKind(await other.create(createCommand()), 'created').record;
    await other.revoke(revokeCommand(session));
    hasChanged = true;
    fails = true;
    assert.throws(() => feed.freshen(), /read fault/);
    fails = false;
    feed.freshen();
    assert.equal(feed.check(tokenOf(session)), 'revoked');
  });

  it('does not end the sessions that came after an entry which it keeps for its position alone', async () => {
    const clock = { ms: 0 };
    const rules = { ...DEFAULT_RULES, maxAbsoluteTimeoutMs: 2 * DAY };
    const store = await EmbeddedStore.open(createMemoryEngine(Date.now()), rules, clock);
    await store.raise(raiseCommand());
    clock.ms += 3 * DAY;
    await sweepAll(store);
    const { session } = ofKind(await store.create(createCommand()), 'created').record;
    assert.equal(new RevocationFeed(store, () => Date.now() + clock.ms).check(tokenOf(session)), 'good');
  });
});

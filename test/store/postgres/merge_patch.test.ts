import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mergePatch } from '../../../src/store/embedded/merge_patch.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase } from './database.ts';

/** Names that meet, and characters that JSON, SQL or a regular expression could trip over. */
const NAME = fc.oneof(
  fc.constantFrom('a', 'b', '', '__proto__', '\u0000', '\\u0000', '\\', '"', '\ufdd0', 'é', '10', '9'),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const VALUE = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    NAME,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(NAME, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const OBJECT = fc.dictionary(NAME, VALUE, { maxKeys: 5, noNullPrototype: true });

describeOn('postgres', () => {
  describe('nest_auth_merge_patch', () => {
    let database: TestDatabase;

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    it('merges as every other store does', async () => {
      const merges = fc.asyncProperty(OBJECT, OBJECT, async (target, patch) => {
        const texts = [JSON.stringify(target), JSON.stringify(patch)] as const;
        const [row] = await database.query<{ merged: string }>('SELECT nest_auth_merge_patch($1, $2) AS merged', texts);
        assert.deepEqual(JSON.parse(row?.merged ?? ''), JSON.parse(mergePatch(...texts)));
        assert(!row?.merged.includes(': '), 'no spaces');
      });
      await fc.assert(merges, { numRuns: 500 });
    });
  });
});

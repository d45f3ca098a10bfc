import fc from 'fast-check';
import type { EpochScope } from '../../src/domain/store.ts';

/** What a walk does next. `pick` names a session, counted from the newest on. */
export type Command =
  | {
      readonly kind: 'create';
      readonly tenantId: string;
      readonly userId: string;
      readonly clientId: string;
      readonly deviceId: string;
      readonly variant: 'plain' | 'acting' | 'never idle';
      readonly tokenMode: 'pair' | 'opaque';
    }
  /** `back` = 0 presents the current token, more a spent one. */
  | { readonly kind: 'refresh'; readonly pick: number; readonly back: number }
  | { readonly kind: 'touch'; readonly pick: number }
  | { readonly kind: 'revoke'; readonly pick: number }
  | { readonly kind: 'update'; readonly pick: number; readonly supersedes: boolean }
  /** An empty user id: the session keeps its user. */
  | { readonly kind: 'rotate'; readonly pick: number; readonly userId: string; readonly startsAnew: boolean }
  | { readonly kind: 'raise'; readonly scope: Exclude<EpochScope, { kind: 'user' }> }
  | {
      readonly kind: 'raise user';
      readonly tenantId: string;
      readonly userId: string;
      readonly except: number | null;
      readonly denyHours: number | null;
      /** Not empty: ends the sessions of the device one by one. */
      readonly deviceId: string;
    }
  | { readonly kind: 'advance'; readonly hours: number }
  | { readonly kind: 'sweep' };

export type CommandOf<K extends Command['kind']> = Extract<Command, { readonly kind: K }>;

const pick = fc.nat(5);
const tenantId = fc.constantFrom('t1', 't1', 't2');
const userId = fc.constantFrom('ann', 'ann', 'bob');
const userOrNone = fc.constantFrom('ann', 'ann', 'bob', '');
const clientId = fc.constantFrom('web', 'app');
const deviceId = fc.constantFrom('phone', 'tablet');

const create: fc.Arbitrary<CommandOf<'create'>> = fc.record({
  kind: fc.constant('create' as const),
  tenantId,
  userId: userOrNone,
  clientId,
  deviceId,
  variant: fc.constantFrom(
    'plain' as const,
    'plain' as const,
    'plain' as const,
    'acting' as const,
    'never idle' as const,
  ),
  tokenMode: fc.constantFrom('pair' as const, 'pair' as const, 'opaque' as const),
});

const raiseUser: fc.Arbitrary<CommandOf<'raise user'>> = fc.record({
  kind: fc.constant('raise user' as const),
  tenantId,
  userId,
  except: fc.option(pick, { freq: 2 }),
  denyHours: fc.constantFrom(null, null, null, 0, 3),
  deviceId: fc.constantFrom('', '', 'phone', 'tablet'),
});

const raise: fc.Arbitrary<CommandOf<'raise'>> = fc.record({
  kind: fc.constant('raise' as const),
  scope: fc.oneof(
    fc.record({ kind: fc.constant('client' as const), tenantId, clientId }),
    fc.record({ kind: fc.constant('tenant' as const), tenantId }),
    fc.record({ kind: fc.constant('global' as const) }),
  ),
});

export const COMMAND: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: create },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('refresh' as const), pick, back: fc.constantFrom(0, 0, 0, 1, 2, 9) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('touch' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('update' as const), pick, supersedes: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('rotate' as const),
      pick,
      userId: userOrNone,
      startsAnew: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: raiseUser },
  { weight: 1, arbitrary: raise },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), hours: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
);

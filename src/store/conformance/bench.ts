import type { KeyStore, Lease, SessionStore } from '../../domain/store.ts';
import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import type { RevocationLog } from '../../revocation/log.ts';
import { DAY, MINUTE, SECOND } from './commands.ts';

/** One open store, as a service would hold it. */
export interface StoreInstance extends SessionStore, KeyStore, RevocationLog, Lease {
  close(): Promise<void> | void;
}

/** Where one case's store keeps its data: fresh and empty to begin with. */
export interface StoreData {
  /** Opens an instance; beside another one, or after it, only where the harness says that it can. */
  open(rules: StoreRules, clock: ClockOffset): Promise<StoreInstance>;
  /** Called once, after every instance has been closed. */
  remove(): Promise<void>;
}

/** What the suite needs of a store. What a store can't do is explained where it is declared. */
export interface ConformanceHarness {
  /** Whether the data outlives its last instance. */
  readonly persistent: boolean;
  /** Whether several instances may have the same data open at once. */
  readonly shared: boolean;
  /** Whether the store forgets requests and epochs by itself in their time, so that `sweep` finds none to remove. */
  readonly expires?: boolean;
  fresh(): Promise<StoreData>;
}

/** What a case changes where it needs another value. */
export const DEFAULT_RULES: StoreRules = {
  accessTokenTtlMs: 10 * MINUTE,
  maxAbsoluteTimeoutMs: 365 * DAY,
  refreshGraceMs: 10 * SECOND,
  touchIntervalMs: MINUTE,
  endedSessionRetentionMs: DAY,
  limit: { max: 100, policy: 'evict-oldest' },
};

/** Open on the same data. */
export type Instances = readonly [StoreInstance, ...StoreInstance[]];

/** The data of one case, and a clock that the case moves. */
export interface Bench {
  readonly clock: ClockOffset;
  readonly expires: boolean;
  readonly open: (rules?: Partial<StoreRules>) => Promise<StoreInstance>;
  /** Two instances where the store may be shared, else one: what races is spread over them. */
  readonly openAll: (rules?: Partial<StoreRules>) => Promise<Instances>;
  /** Closes what is open and opens one instance on the data that it left. */
  readonly reopen: (rules?: Partial<StoreRules>) => Promise<StoreInstance>;
}

/** One case per statement of the contract. */
export type Cases = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

/** Declares the cases, unless the harness says that the store can't do what they need. */
export function describeCases(
  subject: string,
  harness: ConformanceHarness,
  cases: Cases,
  needs?: 'persistent' | 'shared',
): void {
  if (needs !== undefined && !harness[needs]) return;
  describe(subject, () => {
    for (const [statement, run] of Object.entries(cases)) it(statement, () => onBench(harness, run));
  });
}

/** Runs one case on data of its own. */
export async function onBench(harness: ConformanceHarness, run: (bench: Bench) => Promise<void>): Promise<void> {
  const data = await harness.fresh();
  const clock: ClockOffset = { ms: 0 };
  const opened: StoreInstance[] = [];
  const closeAll = async () => {
    for (const instance of opened.splice(0)) await instance.close();
  };
  const open = async (rules: Partial<StoreRules> = {}) => {
    const instance = await data.open({ ...DEFAULT_RULES, ...rules }, clock);
    opened.push(instance);
    return instance;
  };
  const openAll = async (rules?: Partial<StoreRules>): Promise<Instances> => {
    const first = await open(rules);
    return harness.shared ? [first, await open(rules)] : [first];
  };
  const reopen = async (rules?: Partial<StoreRules>) => {
    await closeAll();
    return open(rules);
  };
  try {
    await run({ clock, expires: harness.expires === true, open, openAll, reopen });
  } finally {
    await closeAll();
    await data.remove();
  }
}

/** Spreads what races over the instances. */
export function inTurn([first, second = first]: Instances, index: number): StoreInstance {
  return index % 2 === 0 ? first : second;
}

import type { Copies } from './copies.ts';
import { copiesOn, copySession } from './copying.ts';
import { costs, inTurn, median, type Result } from './measure.ts';
import { onStores, type StoreName } from './places.ts';
import { creation, decode, frameOf, RpcBench } from './rpc.ts';

/** The first is what the others stand beside. */
const SIZES = [10, 1_000, 100_000] as const;

const ROUNDS = 11;
const WARM_UP_ROUNDS = 3;
/** Of each user, in one round. */
const LOG_OUTS = 8;

const LEAST_RATIO = 1 / 1.2;

/** One call that ends all sessions of a user, by how many there are: all live, whenever it comes. */
export function logOut(): Promise<readonly Result[]> {
  return onStores(async (store, storeUrl) => {
    const bench = await RpcBench.start({ storeUrl, env: { MAX_SESSIONS_PER_USER: '0' } });
    const copies = await copiesOn(bench);
    try {
      return await measure(store, bench, copies);
    } finally {
      await copies.close();
      await bench.end();
    }
  });
}

async function measure(store: StoreName, bench: RpcBench, copies: Copies): Promise<Result[]> {
  const users: LoggedOutUser[] = [];
  for (const size of SIZES) users.push(await LoggedOutUser.begin(bench, copies, size));
  const steps = Object.fromEntries(users.map((user) => [String(user.size), () => user.logOuts()]));
  await inTurn(WARM_UP_ROUNDS, steps);
  const ms = await inTurn(ROUNDS, steps);
  for (const user of users) await user.end();
  const [first, ...others] = SIZES;
  return others.map((size) => {
    const name = `log out a user of ${size.toLocaleString('en')} sessions, ${store}`;
    return costs(name, ms[size] ?? [], 'ms', ms[first] ?? [], LEAST_RATIO);
  });
}

class LoggedOutUser {
  readonly size: number;
  readonly #bench: RpcBench;
  readonly #copies: Copies;
  readonly #userId: string;

  private constructor(bench: RpcBench, copies: Copies, size: number) {
    this.#bench = bench;
    this.#copies = copies;
    this.size = size;
    this.#userId = `user of ${size}`;
  }

  static async begin(bench: RpcBench, copies: Copies, size: number): Promise<LoggedOutUser> {
    const user = new LoggedOutUser(bench, copies, size);
    const [answer] = await bench.answers('CreateSession', [creation(user.#userId, 'TOKEN_MODE_PAIR')]);
    const { session } = decode('CreateSession', answer as Uint8Array);
    await copySession(copies, session?.sessionId ?? '', size - 1, () => user.#userId);
    await user.#assertLive(size);
    await user.#logOutMs();
    await copies.revive(user.#userId);
    await user.#assertLive(size);
    return user;
  }

  async logOuts(): Promise<number> {
    const ms: number[] = [];
    while (ms.length < LOG_OUTS) {
      await this.#copies.revive(this.#userId);
      ms.push(await this.#logOutMs());
    }
    return median(ms);
  }

  /** To look for live sessions makes Redis note those that are not: it comes last. */
  async end(): Promise<void> {
    await this.#assertLive(0);
  }

  async #logOutMs(): Promise<number> {
    const frame = frameOf('RevokeSessions', { userId: this.#userId });
    const { p50Ms } = await this.#bench.sample(this.#bench.service, 'RevokeSessions', [frame], 1);
    return p50Ms;
  }

  async #assertLive(expected: number): Promise<void> {
    const frame = frameOf('RevokeSessions', { userId: this.#userId, dryRun: true });
    const [answer] = await this.#bench.answers('RevokeSessions', [frame]);
    const { sessionCount } = decode('RevokeSessions', answer as Uint8Array);
    if (sessionCount !== expected) throw new Error(`${sessionCount} of ${expected} sessions are live`);
  }
}

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { encode, type Request, type Response, RPCS, type UnaryRpc } from '../test/grpc/client.ts';
import { BareClient } from '../test/process/bare_client.ts';
import { quantile } from './measure.ts';
import { answerQuestions } from './process.ts';

/** Sessions that live for a while: begun, used, refreshed and ended at random, as many of them ended as begun. */
const SHARES = {
  'validate LOCAL': 0.55,
  'validate STRONG': 0.1,
  'validate opaque': 0.15,
  refresh: 0.1,
  create: 0.05,
  revoke: 0.05,
} as const;

type Kind = keyof typeof SHARES;
const KINDS = Object.keys(SHARES) as readonly Kind[];

const CONNECTIONS = 4;
const BEGIN_IN_FLIGHT = 64;

/** Of the sessions that are begun; as many of them as of the others are called. */
const OPAQUE_SHARE = 0.25;

/** A timer may come so late: what is due sooner is waited for without one. */
const TIMER_MS = 2;

interface Held {
  readonly sessionId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Empty where it has a pair. */
  readonly sessionToken: string;
}

/** What came of the calls since this was last asked. */
export interface Taken {
  /** Those that were answered. */
  readonly calls: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of this process, in µs. */
  readonly cpuUs: number;
}

let clients: readonly BareClient[] = [];
let users = 0;
let calls = 0;
let ms: number[] = [];
let failed = 0;
const end = new AbortController();
let since = process.cpuUsage();

/** Those that no call is about to change. */
const held: { pair: Held[]; opaque: Held[] } = { pair: [], opaque: [] };

async function call<R extends UnaryRpc>(rpc: R, request: Request<R>): Promise<Response<R>> {
  const client = clients[calls++ % CONNECTIONS] as BareClient;
  const { status, bytes } = await client.call(RPCS[rpc].path, encode(rpc, request));
  if (status !== 'OK') throw new Error(`a call of ${rpc} ended with ${status}`);
  return RPCS[rpc].responseDeserialize(bytes) as Response<R>;
}

/** Leaves the list; by chance. */
function taken(list: Held[]): Held {
  const [one] = list.splice(Math.floor(Math.random() * list.length), 1);
  if (one === undefined) throw new Error('no session is left');
  return one;
}

function anyOf(list: readonly Held[]): Held {
  return list[Math.floor(Math.random() * list.length)] as Held;
}

async function create(): Promise<void> {
  const isOpaque = Math.random() < OPAQUE_SHARE;
  const userId = `user ${(users += 1)}`;
  const device = { deviceId: userId, name: 'Firefox on Linux', ipAddress: '192.0.2.7' };
  const tokenMode = isOpaque ? 'TOKEN_MODE_OPAQUE' : 'TOKEN_MODE_PAIR';
  const { session, tokens } = await call('CreateSession', { userId, clientId: 'web', tokenMode, device });
  if (session === null || tokens === null) throw new Error('no session was begun');
  const { accessToken, refreshToken, sessionToken } = tokens;
  held[isOpaque ? 'opaque' : 'pair'].push({ sessionId: session.sessionId, accessToken, refreshToken, sessionToken });
}

async function validate(request: Request<'ValidateSession'>): Promise<void> {
  await call('ValidateSession', request);
}

const CALLS: { readonly [K in Kind]: () => Promise<void> } = {
  'validate LOCAL': () => validate({ accessToken: anyOf(held.pair).accessToken, consistency: 'CONSISTENCY_LOCAL' }),
  'validate STRONG': () => validate({ accessToken: anyOf(held.pair).accessToken, consistency: 'CONSISTENCY_STRONG' }),
  'validate opaque': () => validate({ sessionToken: anyOf(held.opaque).sessionToken }),
  refresh: async () => {
    const one = taken(held.pair);
    const { tokens } = await call('RefreshSession', { refreshToken: one.refreshToken });
    if (tokens === null) throw new Error('no tokens were given');
    held.pair.push({ ...one, accessToken: tokens.accessToken, refreshToken: tokens.refreshToken });
  },
  create,
  revoke: async () => {
    const { sessionId } = taken(Math.random() < OPAQUE_SHARE ? held.opaque : held.pair);
    await call('RevokeSession', { session: { sessionId } });
  },
};

function kindByChance(): Kind {
  let left = Math.random();
  for (const kind of KINDS) {
    left -= SHARES[kind];
    if (left < 0) return kind;
  }
  return 'validate LOCAL';
}

/** @param sinceMs when it was due */
async function one(sinceMs: number): Promise<void> {
  try {
    await CALLS[kindByChance()]();
    ms.push(performance.now() - sinceMs);
  } catch {
    failed += 1;
  }
}

/** At random times, so many a second on average, whatever has become of those before. */
async function offer(perSecond: number): Promise<void> {
  let dueMs = performance.now();
  while (!end.signal.aborted) {
    dueMs -= (Math.log(1 - Math.random()) * 1000) / perSecond;
    for (let nowMs = performance.now(); nowMs < dueMs; nowMs = performance.now()) {
      await (dueMs - nowMs > TIMER_MS ? sleep(1) : nextTurn());
    }
    void one(dueMs);
  }
}

answerQuestions({
  /** Each access token is shown once. */
  begin: async (port: number, sessions: number) => {
    clients = Array.from({ length: CONNECTIONS }, () => new BareClient(port));
    const worker = async () => {
      while (held.pair.length + held.opaque.length < sessions) {
        await create();
        const accessToken = held.pair.at(-1)?.accessToken ?? '';
        if (accessToken !== '') await validate({ accessToken, consistency: 'CONSISTENCY_LOCAL' });
      }
    };
    await Promise.all(Array.from({ length: BEGIN_IN_FLIGHT }, worker));
  },
  /** How many calls a second there are where the next begins when one has ended. */
  most: async (inFlight: number, forMs: number) => {
    const sinceMs = performance.now();
    const before = ms.length;
    const worker = async () => {
      while (performance.now() - sinceMs < forMs) await one(performance.now());
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return ((ms.length - before) * 1000) / (performance.now() - sinceMs);
  },
  offer: (perSecond: number) => void offer(perSecond),
  take: (): Taken => {
    const { user, system } = process.cpuUsage(since);
    const taken = {
      calls: ms.length,
      failed,
      p50Ms: quantile(ms, 0.5),
      p99Ms: quantile(ms, 0.99),
      cpuUs: user + system,
    };
    [ms, failed, since] = [[], 0, process.cpuUsage()];
    return taken;
  },
  stop: () => end.abort(),
});

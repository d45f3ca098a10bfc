import { connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, Cluster, Redis, type RedisOptions } from 'ioredis';
import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import type { PartitionKeys } from './keys.ts';
import type { RedisLocation, SentinelCredentials } from './location.ts';

/** A server that does not answer for so long is taken for hung; longer than any WAIT. */
const SOCKET_TIMEOUT_MS = 2_500;

const CONNECT_TIMEOUT_MS = 2_000;

/** How soon to look for a server again. */
const RETRY_MS = 100;

/** What is to be done about a server that has hung is noticed by asking for the slots now and then. */
const SLOTS_REFRESH_MS = 1_000;

export type Client = Redis | Cluster;

/** Replies as RESP2 has them. */
type Options = RedisOptions & { replyMapping: 'legacy' };

/**
 * Nothing is sent twice, and nothing waits for a connection: a step whose reply was lost has an unknown outcome, which
 * only its caller can deal with.
 */
function nodeOptions({ username, password, tls }: RedisLocation): Options {
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(tls ? { tls: {}, Connector: TlsConnector } : {}),
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: STORE_DEADLINE_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A master that was deposed is left; the command that found out is not sent again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    enableAutoPipelining: false,
    replyMapping: 'legacy',
  };
}

/**
 * ioredis 6.0.0 listens for the first error of a stream alone, and TLS may bring a second: that one would end the process
 * (an alert of the server behind a certificate that was refused).
 */
class TlsConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  constructor(options: unknown) {
    const { disconnectTimeout = 0 } = options as RedisOptions;
    super(disconnectTimeout);
    this.#options = options as RedisOptions;
  }

  override connect(): Promise<TLSSocket> {
    const { host, port, tls } = this.#options;
    this.connecting = true;
    const stream = connect({ host, port, ...tls });
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = stream;
    return Promise.resolve(stream);
  }
}

/** Opens a client that goes on looking for its servers until it is disconnected; it emits no unhandled error. */
export function openClient(location: RedisLocation, sentinel: SentinelCredentials): Client {
  const client = location.kind === 'redis-cluster' ? openCluster(location) : openRedis(location, sentinel);
  // What a caller misses it is told by its call; a lost connection by itself is nobody's fault yet.
  client.on('error', () => {});
  client.on('end', () => comeBack(client));
  return client;
}

function openRedis(location: RedisLocation, sentinel: SentinelCredentials): Redis {
  const [{ host, port } = { host: '', port: 0 }] = location.nodes;
  const common: Options = {
    ...nodeOptions(location),
    db: location.database,
    enableOfflineQueue: false,
    retryStrategy: () => RETRY_MS,
  };
  if (location.kind === 'redis') return new Redis({ ...common, host, port });
  // The driver finds the master by a connector of its own.
  const { Connector: _, ...found } = common;
  return new Redis({
    ...found,
    sentinels: location.nodes.map(({ host, port }) => ({ host, port })),
    name: location.master,
    ...(sentinel.username === '' ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === '' ? {} : { sentinelPassword: sentinel.password }),
    ...(location.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    sentinelRetryStrategy: () => RETRY_MS,
    failoverDetector: true,
    sentinelReconnectStrategy: () => 1_000,
  });
}

function openCluster(location: RedisLocation): Cluster {
  const nodes = location.nodes.map(({ host, port }) => ({ host, port }));
  return new Cluster(nodes, {
    redisOptions: nodeOptions(location),
    // Else what is redirected to a node that was not used before would fail; `untilReady` keeps calls from queueing.
    enableOfflineQueue: true,
    clusterRetryStrategy: () => RETRY_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // Of what the server has refused, and so not done: as often as the deadline lets it.
    retryDelayOnTryAgain: 50,
    retryDelayOnClusterDown: 50,
    maxRedirections: STORE_DEADLINE_MS / 50,
    // What was sent and not answered is not sent again.
    retryDelayOnFailover: 0,
  });
}

/**
 * ioredis 6.0.0 gives a connection up for good where a sentinel tells of a failover (failoverDetector) while it is just
 * looking for the master: measured, 12 of 12 clients after one kill.
 */
function comeBack(client: Client): void {
  if (closed.has(client)) return;
  setTimeout(() => {
    if (!closed.has(client) && client.status === 'end') client.connect().catch(() => {});
  }, RETRY_MS).unref();
}

const closed = new WeakSet<Client>();

/** Closes for good: a Cluster that is just connecting would else come back, and stay. */
export function closeClient(client: Client): void {
  closed.add(client);
  client.disconnect();
  client.on('ready', () => client.disconnect());
}

/** The connection that serves a partition at this moment; undefined where none does. */
export function nodeOf(client: Client, { slot }: PartitionKeys): Redis | undefined {
  if (client instanceof Redis) return client;
  const owner = client.slots[slot]?.[0];
  return client.nodes('master').find(({ options }) => `${options.host}:${options.port}` === owner);
}

/** Whether the Cluster knows of a replica of the partition; a Redis that is no Cluster does not say. */
export function hasReplica(client: Client, { slot }: PartitionKeys): boolean {
  return client instanceof Cluster && (client.slots[slot]?.length ?? 0) > 1;
}

interface Wait {
  readonly ready: Promise<void>;
  /** The last that went wrong. */
  fault: Error;
}

/** Many calls wait for one connection. */
const waits = new WeakMap<Client, Wait>();

/** Settles once commands can be sent, or rejects with why they could not be by `deadlineMs` (of performance.now). */
export async function untilReady(client: Client, deadlineMs: number): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status === 'end') throw new Error('the connection was closed');
  // It connects when it is first needed.
  if (client.status === 'wait') client.connect().catch(() => {});
  const wait = waitFor(client);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(wait.fault), Math.max(0, deadlineMs - performance.now()));
  });
  try {
    await Promise.race([wait.ready, late]);
  } finally {
    clearTimeout(timer);
  }
}

function waitFor(client: Client): Wait {
  const known = waits.get(client);
  if (known !== undefined) return known;
  const { promise, resolve, reject } = withResolvers();
  const wait: Wait = { ready: promise, fault: new Error('no connection in time') };
  const onError = (error: Error) => {
    wait.fault = error;
  };
  const settle = (done: () => void) => () => {
    client.off('error', onError);
    client.off('ready', onReady);
    client.off('end', onEnd);
    waits.delete(client);
    done();
  };
  const onReady = settle(resolve);
  const onEnd = settle(() => reject(wait.fault));
  client.on('error', onError);
  client.on('ready', onReady);
  client.on('end', onEnd);
  waits.set(client, wait);
  return wait;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Nobody may be waiting any more.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

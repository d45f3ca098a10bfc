import { type Client, connectivityState } from '@grpc/grpc-js';
import { closeClient, type Connector } from './connection.ts';

/** A URI of one of the schemes that grpc-js resolves to several addresses. */
const URI = /^(?:dns|ipv4|ipv6):/;

const ROUND_ROBIN = { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) };

const { IDLE, CONNECTING, READY, SHUTDOWN } = connectivityState;

/**
 * One channel to each target, which calls take in turn: of those that are connected, if any is.
 *
 * One channel to all of them would check every server's certificate against one name, and could not be told to take another
 * for a second attempt.
 */
export class Balancer {
  readonly #clients: readonly Client[];
  #next: number;
  #isWatching = false;
  /** Calls that wait for a channel to change. */
  readonly #waiting = new Set<() => void>();

  constructor(connector: Connector) {
    this.#clients = connector.targets.map((target) => connector.open(target, URI.test(target) ? ROUND_ROBIN : {}));
    // Not all programs that start at once begin with the same.
    this.#next = Math.floor(Math.random() * this.#clients.length);
  }

  /**
   * The next channel that is connected, other than `last` where there is another. Waits while one is being connected; where
   * none can be, any, whose call then fails and says why.
   *
   * @throws the signal's reason
   */
  async pick(last: Client | null, signal: AbortSignal): Promise<Client> {
    this.#watch();
    for (;;) {
      signal.throwIfAborted();
      const client = this.#ready(last);
      if (client !== null) return client;
      if (!this.#clients.some((other) => isConnecting(other))) return this.#take(0);
      await this.#change(signal);
    }
  }

  close(): void {
    for (const client of this.#clients) closeClient(client);
  }

  #ready(last: Client | null): Client | null {
    let isLastReady = false;
    for (const step of this.#clients.keys()) {
      const client = this.#at(step);
      if (stateOf(client) !== READY) continue;
      if (client !== last) return this.#take(step);
      isLastReady = true;
    }
    return isLastReady ? last : null;
  }

  #at(step: number): Client {
    return this.#clients[(this.#next + step) % this.#clients.length] as Client;
  }

  #take(step: number): Client {
    const client = this.#at(step);
    this.#next = (this.#next + step + 1) % this.#clients.length;
    return client;
  }

  /** Resolves when a channel's state has changed. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Without a deadline, which the library would keep a timer for; a watcher cannot be taken back. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for (const client of this.#clients) this.#watchOne(client);
  }

  #watchOne(client: Client): void {
    const channel = client.getChannel();
    const state = channel.getConnectivityState(false);
    if (state === SHUTDOWN) return;
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      for (const wake of this.#waiting) wake();
      this.#watchOne(client);
    });
  }
}

/** One that has no connection makes one from now on. */
function stateOf(client: Client): connectivityState {
  const channel = client.getChannel();
  const state = channel.getConnectivityState(false);
  return state === READY ? state : channel.getConnectivityState(true);
}

function isConnecting(client: Client): boolean {
  const state = client.getChannel().getConnectivityState(false);
  return state === IDLE || state === CONNECTING;
}

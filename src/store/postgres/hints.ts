import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { PostgresPool } from './pool.ts';
import { STATEMENTS } from './statements.ts';

/** How often to see whether the connection still hears, and leads to where the pool's do. */
const PROBE_MS = 1_000;

/** Before the connection is made anew; twice as long each time that it did not last. */
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/**
 * Tells the other instances of a store that something was appended to its log, and hears of it from them. It may come late, or
 * not at all: the log is looked at regularly too.
 */
export class LogHints {
  readonly #pool: PostgresPool;
  readonly #channel: string;
  readonly #instanceId: string;
  readonly #closing = new AbortController();
  #listening: Promise<void> | null = null;
  #isTelling = false;
  #isDue = false;

  constructor(pool: PostgresPool, storeId: string, instanceId: string) {
    this.#pool = pool;
    // All of a database hear what is told in it, whatever their schema.
    this.#channel = `nest_auth_${storeId}`;
    this.#instanceId = instanceId;
  }

  /** To be called once what was appended is committed. What is told while another is under way is told once. */
  tell(): void {
    this.#isDue = true;
    if (!this.#isTelling) void this.#tellAll();
  }

  /** Calls `onHint` where another instance has appended, until `close`. */
  listen(onHint: () => void): void {
    if (this.#pool.keepsState) this.#listening ??= this.#listen(onHint);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#listening;
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    while (this.#isDue && !this.#closing.signal.aborted) {
      this.#isDue = false;
      await this.#pool.tryRun(STATEMENTS.notify, [this.#channel, this.#instanceId]).catch(() => {});
    }
    this.#isTelling = false;
  }

  async #listen(onHint: () => void): Promise<void> {
    const { signal } = this.#closing;
    for (let delayMs = MIN_DELAY_MS; !signal.aborted; ) {
      const sinceMs = performance.now();
      await this.#hear(onHint).catch(() => {});
      const lasted = performance.now() - sinceMs > MAX_DELAY_MS;
      delayMs = lasted ? MIN_DELAY_MS : Math.min(2 * delayMs, MAX_DELAY_MS);
      await sleep(delayMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** On a connection of its own, until that is to be replaced; fails where it breaks. */
  async #hear(onHint: () => void): Promise<void> {
    const { signal } = this.#closing;
    const client = await this.#pool.connectApart(signal);
    const ended = new AbortController();
    client.once('end', () => ended.abort());
    client.on('notification', ({ payload }) => {
      if (payload !== this.#instanceId) onHint();
    });
    const end = () => void client.end();
    signal.addEventListener('abort', end);
    const listen = `LISTEN ${pg.escapeIdentifier(this.#channel)}`;
    try {
      await client.query(listen);
      // Of what was told before nothing was heard.
      onHint();
      while (!signal.aborted && this.#pool.isCurrent(client)) {
        await sleep(PROBE_MS, undefined, { signal: ended.signal, ref: false });
        await client.query(listen);
      }
    } finally {
      signal.removeEventListener('abort', end);
      await client.end();
    }
  }
}

import type { Database } from '../src/store/sqlite/database.ts';
import type { Copies, Copy } from './copies.ts';
import type { RpcBench } from './rpc.ts';

/** Once a collection frees less than this leaves, there is no more to free. */
const SETTLED_SHARE = 0.999;

/** What the service's own process keeps. */
export class MemoryCopies implements Copies {
  readonly #bench: RpcBench;

  constructor(bench: RpcBench) {
    this.#bench = bench;
  }

  add(sessionId: string, copies: readonly Copy[]) {
    return this.#bench.service.process.ask('copySession', sessionId, copies);
  }

  revive(userId: string) {
    return this.#bench.service.process.ask('reviveUser', userId);
  }

  /** The heap is looked through. */
  settle(): Promise<unknown> {
    return this.bytes();
  }

  /** Calls leave behind what one collection alone does not free. */
  async bytes(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (;;) {
      const { liveBytes } = await this.#bench.service.process.usage();
      if (liveBytes > least * SETTLED_SHARE) return Math.min(liveBytes, least);
      least = liveBytes;
    }
  }

  close(): void {}
}

/** A second connection sees to the file. */
export class SqliteCopies extends MemoryCopies {
  readonly #database: Database;

  constructor(bench: RpcBench, database: Database) {
    super(bench);
    this.#database = database;
  }

  override async settle(): Promise<unknown> {
    return this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  }

  override async bytes(): Promise<number> {
    const sql = 'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()';
    return (this.#database.prepare(sql).get() as { bytes: number }).bytes;
  }

  override close(): void {
    this.#database.close();
  }
}

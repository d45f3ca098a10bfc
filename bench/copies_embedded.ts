import type { Database } from '../src/store/sqlite/database.ts';
import type { Copies, Copy } from './copies.ts';
import type { RpcBench } from './rpc.ts';

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

  async bytes(): Promise<number> {
    return (await this.#bench.service.process.usage()).liveBytes;
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

import { Client } from 'pg';
import { SESSION_COLUMNS } from '../src/store/sqlite/rows.ts';
import type { Copies, Copy } from './copies.ts';

/** Both SQL stores have the same columns. */
const OTHER_COLUMNS = SESSION_COLUMNS.filter((column) => column !== 'session_id' && column !== 'user_id');

const ADD = `INSERT INTO nest_auth_sessions (session_id, user_id, ${OTHER_COLUMNS.join(', ')})
  SELECT copy.session_id, copy.user_id, ${OTHER_COLUMNS.map((column) => `s.${column}`).join(', ')}
  FROM nest_auth_sessions s, unnest($2::uuid[], $3::text[]) AS copy (session_id, user_id) WHERE s.session_id = $1`;

/** Rows of a Postgres database. */
export class PostgresCopies implements Copies {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(connectionString: string): Promise<PostgresCopies> {
    const client = new Client({ connectionString });
    await client.connect();
    return new PostgresCopies(client);
  }

  add(sessionId: string, copies: readonly Copy[]) {
    return this.#client.query(ADD, [
      sessionId,
      copies.map((copy) => copy.sessionId),
      copies.map((copy) => copy.userId),
    ]);
  }

  revive(userId: string) {
    return this.#client.query(`DELETE FROM nest_auth_epochs WHERE scope = 'user' AND subject = $1`, [userId]);
  }

  async settle() {
    await this.#client.query('VACUUM ANALYZE');
    return this.#client.query('CHECKPOINT');
  }

  async bytes(): Promise<number> {
    const sql = `SELECT pg_total_relation_size('nest_auth_sessions')::float8 AS bytes`;
    const { rows } = await this.#client.query<{ bytes: number }>(sql);
    return rows[0]?.bytes ?? Number.NaN;
  }

  close() {
    return this.#client.end();
  }
}

import knexModule, { type Knex } from 'knex';
import pg from 'pg';
import { migrateUp, migrationStatus, refuseForeignTable } from '../migrate.ts';
import { explainFault, isReadOnly, isUnreachable } from './faults.ts';
import { locationText, type PostgresHost, type PostgresLocation } from './location.ts';
import { assertUsable, clientConfig } from './pool.ts';

/** Of what runs while the schema is changed, other than what serves. */
const MIGRATION_TIMEOUT_MS = 600_000;

/** Runs a step on the schema, on whichever host takes writes; what goes wrong is explained. */
export async function withPostgresKnex<T>(location: PostgresLocation, step: (knex: Knex) => Promise<T>): Promise<T> {
  const silent = () => undefined;
  try {
    const { host, port } = await primary(location);
    const knex = knexModule.knex({
      client: 'pg',
      connection: {
        ...clientConfig(location),
        host,
        port,
        query_timeout: MIGRATION_TIMEOUT_MS,
      } as Knex.PgConnectionConfig,
      pool: { min: 0, max: 1, afterCreate: withoutTimeout },
      compileSqlOnError: false,
      // Whatever it would print is thrown as well.
      log: { debug: silent, warn: silent, error: silent, deprecate: silent },
    });
    try {
      return await step(knex);
    } finally {
      await knex.destroy();
    }
  } catch (error) {
    throw explainFault(location, error);
  }
}

/**
 * Sees to it that the schema is the one that this program was written for.
 *
 * @param migrate whether to bring it up to date; of several instances that start at once one does and the others wait
 */
export function preparePostgres(location: PostgresLocation, migrate: boolean): Promise<void> {
  return withPostgresKnex(location, async (knex) => {
    if (migrate) {
      await migrateUp(knex);
      return;
    }
    const { applied, pending, ahead } = await migrationStatus(knex);
    if (ahead.length > 0) {
      throw new Error(
        `the schema of ${locationText(location)} is ahead of this program, which does not know ${ahead.join(', ')}: run ` +
          'the version that made it, or revert it with that version first',
      );
    }
    if (applied.length === 0) await refuseForeignTable(knex);
    if (pending.length > 0) {
      const found = applied.length === 0 ? 'has no schema' : `lacks ${pending.join(', ')}`;
      throw new Error(
        `${locationText(location)} ${found}: run \`make migrate\` (session-authority migrate up), or set MIGRATE_ON_START=true`,
      );
    }
  });
}

/** A migration takes as long as it takes, whatever the role's setting for what serves. */
function withoutTimeout(client: pg.Client, done: (error: Error | null, client: pg.Client) => void): void {
  client.query('SET statement_timeout = 0; SET lock_timeout = 0', (error) => done(error, client));
}

/** The first host that takes writes. */
async function primary(location: PostgresLocation): Promise<PostgresHost> {
  let fault: unknown;
  for (const host of location.hosts) {
    try {
      await assertWritable(location, host);
      return host;
    } catch (error) {
      // Of several, the one that answered tells more.
      if (fault === undefined || !isUnreachable(error)) fault = error;
      if (!isReadOnly(error) && !isUnreachable(error)) break;
    }
  }
  throw fault;
}

async function assertWritable(location: PostgresLocation, { host, port }: PostgresHost): Promise<void> {
  const client = new pg.Client({ ...clientConfig(location), host, port });
  client.on('error', () => {});
  try {
    await client.connect();
    await assertUsable(client);
  } finally {
    await client.end().catch(() => {});
  }
}

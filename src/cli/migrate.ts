import { existsSync } from 'node:fs';
import type { Knex } from 'knex';
import { ConfigError, readStoreLocation } from '../config.ts';
import { migrateDown, migrateUp, migrationStatus } from '../store/migrate.ts';
import { withPostgresKnex } from '../store/postgres/migrate.ts';
import { withSqliteKnex } from '../store/sqlite/migrate.ts';

const COMMANDS: Readonly<Record<string, (knex: Knex, print: (line: string) => void) => Promise<void>>> = {
  up: async (knex, print) => list(await migrateUp(knex), 'applied', 'nothing to apply', print),
  down: async (knex, print) => list(await migrateDown(knex), 'reverted', 'nothing to revert', print),
  status: async (knex, print) => {
    const { applied, pending, ahead } = await migrationStatus(knex);
    for (const name of applied) print(`applied ${name}`);
    for (const name of pending) print(`pending ${name}`);
    for (const name of ahead) print(`ahead ${name}: this program does not know it`);
  },
};

/**
 * `up`, `down` (one migration) or `status` of the schema in the store that `storeUrl` names, which is never printed.
 * Returns the exit code: 0 = done, 1 = failed, 2 = not understood.
 */
export async function runMigrate(
  args: readonly string[],
  storeUrl: string,
  print: (line: string) => void,
): Promise<number> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined || rest.length > 0) {
    print('usage: migrate up | down | status');
    return 2;
  }
  try {
    const store = readStoreLocation({ STORE_URL: storeUrl });
    switch (store.kind) {
      case 'sqlite':
        return await migrateFile(command, name, store.path, print);
      case 'postgres':
        await withPostgresKnex(store, (knex) => command(knex, print));
        return 0;
      case 'memory':
      case 'redis':
      case 'redis-sentinel':
      case 'redis-cluster':
        print(`a ${store.kind} store has no schema: nothing to migrate`);
        return 0;
    }
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return error instanceof ConfigError ? 2 : 1;
  }
}

async function migrateFile(
  command: NonNullable<(typeof COMMANDS)[string]>,
  name: string,
  path: string,
  print: (line: string) => void,
): Promise<number> {
  if (name !== 'up' && !existsSync(path)) {
    print(`there is no database ${path}: \`migrate up\` makes it`);
    return 1;
  }
  await withSqliteKnex(path, (knex) => command(knex, print));
  return 0;
}

function list(names: readonly string[], done: string, nothing: string, print: (line: string) => void): void {
  for (const name of names) print(`${done} ${name}`);
  if (names.length === 0) print(nothing);
}

#!/usr/bin/env node
import './quiet.ts';
import { readFileSync } from 'node:fs';
import { runCallers } from './cli/callers.ts';
import { runMigrate } from './cli/migrate.ts';
import { readPseudonymArguments, runPseudonym } from './cli/pseudonym.ts';
import { runRevokeAll } from './cli/revoke_all.ts';
import { readWatchArguments, runWatch } from './cli/watch.ts';
import { CONFIG_VARIABLES, ConfigError, readConfig } from './config.ts';
import { isNodePastEnd } from './node_versions.ts';
import { startServer } from './server.ts';
import { createLog, redacted } from './telemetry/log.ts';
import { isWorker, runWorker, startWorkers, workerId } from './workers.ts';

const USAGE = `usage: session-authority COMMAND

commands:
  serve                    run the service
  migrate up|down|status   apply, revert (one) or show the migrations of the store's schema
  revoke-all               end every session of every tenant, as after the restore of a backup
  callers new NAME --scopes SCOPE,... [--tenants ID,...]
                           make a service token, and show the entry of CALLERS_FILE that knows it
  pseudonym user ID [--tenant ID] | session ID
                           show what stands for a user or a session in the audit
  watch [--json] [--snapshot] [--tenant ID]... [--ca FILE [--cert FILE --key FILE]] [ADDRESS]
                           show revocations as they come; ADDRESS of the service, GRPC_ADDRESS unless given;
                           over TLS with --ca; as the caller of SERVICE_TOKEN in the environment, or of --cert

options:
  --help                   show this
  --version                show the version

environment:
`;

/** Exit codes: 0 done, 1 failed, 2 not understood. */
async function run([command = '', ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'serve':
      return args.length === 0 ? serve() : usageFault();
    case 'migrate':
      return runMigrate(args, process.env['STORE_URL'] || defaultOf('STORE_URL'), console.log);
    case 'revoke-all':
      return args.length === 0 ? runRevokeAll(readConfig(process.env), console.log) : usageFault();
    case 'callers':
      return runCallers(args, console.log, console.error) ?? usageFault();
    case 'pseudonym':
      return pseudonym(args);
    case 'watch':
      return watch(args);
    case '--help':
      console.log(help());
      return 0;
    case '--version':
      console.log(version());
      return 0;
    default:
      return usageFault();
  }
}

async function serve(): Promise<number> {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel, undefined, isWorker(config) ? { worker: workerId() } : null);
  // Node would print all that a driver puts into its errors, and values among them.
  process.on('uncaughtException', (error) => {
    log.fatal('ended by a fault that nothing caught', { error });
    process.exit(1);
  });
  if (isWorker(config)) return runWorker(config, log);
  if (isNodePastEnd(process.versions.node, new Date())) {
    log.warn('this version of Node gets no more security fixes: run the service on a newer one');
  }
  if (config.callers.file === '') log.warn('anyone who reaches GRPC_ADDRESS may do anything: set CALLERS_FILE');
  const stop = stopAsked();
  const workers = config.workers > 1 ? await startWorkers(config, log) : null;
  const server = workers ?? (await startServer(config, log));
  // Before it is said to serve: whoever reads that may send one.
  process.on('SIGHUP', () => server.reopenFiles());
  const { grpcPort, httpPort } = server;
  log.info('serving', { grpcPort, httpPort, store: config.store.kind, workers: config.workers });
  const signal = await Promise.race([stop, workers?.failure ?? stop]);
  log.info('stopping', { signal });
  await server.stop();
  log.info('stopped');
  return 0;
}

async function watch(args: readonly string[]): Promise<number> {
  const asked = readWatchArguments(args, process.env);
  return asked === null ? usageFault() : runWatch(asked, process.env, process.stdout, stopAsked());
}

function pseudonym(args: readonly string[]): number {
  const asked = readPseudonymArguments(args);
  return asked === null ? usageFault() : runPseudonym(asked, readConfig(process.env), console.log);
}

/** The signal, once it comes. */
function stopAsked(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(signal));
  });
}

function usageFault(): number {
  console.error(help());
  return 2;
}

function help(): string {
  const width = Math.max(...CONFIG_VARIABLES.map(({ name }) => name.length));
  const lines = CONFIG_VARIABLES.map(({ name, defaultText, meaning }) => {
    const given = defaultText === '' ? '' : ` (${defaultText})`;
    return `  ${name.padEnd(width)}  ${meaning.replaceAll('`', '')}${given}`;
  });
  return USAGE + lines.join('\n');
}

function version(): string {
  const file = new URL(import.meta.resolve('#root/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function defaultOf(variable: string): string {
  return CONFIG_VARIABLES.find(({ name }) => name === variable)?.defaultText ?? '';
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  // What is thrown here is meant for the operator: one line that says what, where and what to do.
  console.error(redacted(error instanceof Error ? error.message : String(error)));
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

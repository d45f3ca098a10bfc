import { readConfig } from '../src/config.ts';
import { expireTimeMs } from '../src/domain/session.ts';
import { startServer } from '../src/server.ts';
import { EmbeddedStore } from '../src/store/embedded/store.ts';
import type { Engine, Tables } from '../src/store/embedded/tables.ts';
import { createLog } from '../src/telemetry/log.ts';
import type { Copy } from './copies.ts';
import { answerQuestions } from './process.ts';

/** The service, configured by the environment, and how many streams it ended for a reason. */
let endedStreams = 0;
const log = createLog('info', {
  write: (line) => {
    if (line.includes('"watch stream ended"')) endedStreams += 1;
  },
});

/** What is in memory, or in its database, is reached from this process alone; null with other stores. */
let engine: Engine | null = null;
const open = EmbeddedStore.open.bind(EmbeddedStore);
EmbeddedStore.open = (opened, rules, clock) => {
  engine = opened;
  return open(opened, rules, clock);
};

const config = readConfig(process.env);
const server = await startServer(config, log);

function write<T>(step: (tables: Tables) => T): T {
  const done = engine?.write(step);
  if (done === undefined || typeof done === 'symbol') throw new Error('the store can not be written to from here');
  return done;
}

answerQuestions({
  port: () => server.grpcPort,
  endedStreams: () => endedStreams,
  keys: () => engine?.read((tables) => tables.keys()),
  /** Each copy has texts of its own, as it would if it had come in a request. */
  copySession: (sessionId: string, copies: readonly Copy[]) =>
    write((tables) => {
      const { session } = tables.session(sessionId) ?? {};
      if (session === undefined) throw new Error('there is no session to copy');
      const purgeTimeMs = expireTimeMs(session) + config.rules.endedSessionRetentionMs;
      for (const copy of copies) tables.insertSession({ ...structuredClone(session), ...copy }, purgeTimeMs);
      return copies.length;
    }),
  reviveUser: (userId: string) =>
    write((tables) => {
      const none = { epoch: null, denyCreateUntilMs: null, keepUntilMs: 0 };
      tables.putEpoch({ scope: 'user', tenantId: '', subject: userId }, none);
      return true;
    }),
});

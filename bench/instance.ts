import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { createLog } from '../src/telemetry/log.ts';
import { answerQuestions } from './process.ts';

/** The service, configured by the environment. */
const server = await startServer(readConfig(process.env), createLog('error'));

answerQuestions({ port: () => server.grpcPort });

import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { createLog } from '../src/telemetry/log.ts';
import { answerQuestions } from './process.ts';

/** The service, configured by the environment, and how many streams it ended for a reason. */
let endedStreams = 0;
const log = createLog('info', {
  write: (line) => {
    if (line.includes('"watch stream ended"')) endedStreams += 1;
  },
});
const server = await startServer(readConfig(process.env), log);

answerQuestions({ port: () => server.grpcPort, endedStreams: () => endedStreams });

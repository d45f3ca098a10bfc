import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What the listener answers from. */
export interface HttpParts {
  readonly issuer: string;
  readonly jwksJson: () => string;
  /** Whether requests can be answered now. */
  readonly isReady: () => Promise<boolean>;
}

type Answer = (response: ServerResponse) => Promise<void> | void;

/** How long verifiers may keep the key set; a successor is published long before it signs. */
const KEY_SET_MAX_AGE_S = 300;

/** Public documents and probes: GET and HEAD, no input but the path. */
export function createHttpServer({ issuer, jwksJson, isReady }: HttpParts): Server {
  // OpenID Connect Discovery 1.0, section 4: as much of it as finding the keys takes.
  const discovery = JSON.stringify({ issuer, jwks_uri: `${issuer.replace(/\/$/, '')}/.well-known/jwks.json` });
  const answers: Readonly<Record<string, Answer>> = {
    '/.well-known/jwks.json': (response) => sendJson(response, jwksJson()),
    '/.well-known/openid-configuration': (response) => sendJson(response, discovery),
    '/healthz': (response) => sendText(response, 200, 'ok'),
    '/readyz': async (response) => {
      if (await isReady()) sendText(response, 200, 'ready');
      else sendText(response, 503, 'not ready');
    },
  };
  return createServer((request, response) => {
    void respond(answers, request, response);
  });
}

async function respond(
  answers: Readonly<Record<string, Answer>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split('?', 1)[0] ?? '';
  const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendText(response, 405, 'method not allowed');
  } else if (answer === undefined) {
    sendText(response, 404, 'not found');
  } else {
    await answer(response);
  }
}

function sendJson(response: ServerResponse, body: string): void {
  response.setHeader('cache-control', `public, max-age=${KEY_SET_MAX_AGE_S}`);
  send(response, 200, 'application/json', body);
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.setHeader('cache-control', 'no-store');
  send(response, status, 'text/plain; charset=utf-8', `${body}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

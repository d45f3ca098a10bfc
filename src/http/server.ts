import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Connections } from '../access/connections.ts';
import type { ConnectionLimits } from '../access/listener_options.ts';
import { TLS_HANDSHAKE_TIMEOUT_MS, type Tls } from '../access/tls.ts';

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

/** How the listener meets its peers. */
export interface HttpTransport {
  readonly address: { readonly host: string; readonly port: number };
  /** Null = plain text. */
  readonly tls: Tls | null;
  readonly connections: ConnectionLimits;
}

/** A listener that serves. */
export interface HttpListener {
  /** The port that was bound. */
  readonly port: number;
  /** Cuts off whatever there is. */
  stop(): Promise<void>;
}

/** Requests are a line and few headers; a peer that is slow with them, or with the answer, is not waited for. */
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;
const MAX_HEADERS = 64;
const SILENCE_TIMEOUT_MS = 10_000;

/** Binds the address (port 0 = any free one) and serves public documents and probes: GET and HEAD, no input but the path. */
export async function startHttpListener(transport: HttpTransport, parts: HttpParts): Promise<HttpListener> {
  const server = createHttpServer(transport.tls, requestListener(parts));
  server.maxHeadersCount = MAX_HEADERS;
  // Without a byte either way. Where some are waiting to be taken it is twice as long.
  server.timeout = SILENCE_TIMEOUT_MS;
  const connections = limitConnections(server, transport.connections);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(transport.address, () => {
      server.off('error', reject);
      // Of accepting, as where no file descriptor is left: the next may succeed.
      server.on('error', () => {});
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Those in the middle of a TLS handshake too.
        connections.destroy();
      }),
  };
}

function createHttpServer(tls: Tls | null, listener: RequestListener): Server {
  if (tls === null) return createServer(LIMITS, listener);
  // Probes and documents are for all: no client is asked for a certificate.
  const handshake = { requestCert: false, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS };
  const server = createTlsServer({ ...LIMITS, ...tls.context.value, ...handshake }, listener);
  tls.context.onChange((changed) => server.setSecureContext(changed));
  return server;
}

/** Puts the count before whatever the server does for a connection. */
function limitConnections(server: Server, limits: ConnectionLimits): Connections {
  const connections = new Connections(limits);
  const take = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (connections.admit(socket)) for (const listener of take) listener.call(server, socket);
  });
  return connections;
}

function requestListener({ issuer, jwksJson, isReady }: HttpParts): RequestListener {
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
  return (request, response) => {
    void respond(answers, request, response);
  };
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

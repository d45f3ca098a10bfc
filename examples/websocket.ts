/*
 * A WebSocket server that sends back what it is sent. A browser opens its sockets with the session cookie; they are closed as
 * soon as the session is revoked, and when it expires.
 */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  SessionAuthorityClient,
  SessionVerifier,
  VerificationError,
  type VerifiedSession,
} from 'session-authority/client';
import { SessionCookie } from 'session-authority/client/cookies';
import { type WebSocket, WebSocketServer } from 'ws';

const { AUTHORITY = '127.0.0.1:50051', PORT = '3004' } = process.env;
const authority = new SessionAuthorityClient({ target: AUTHORITY });
const verifier = new SessionVerifier({ authority, issuer: 'http://127.0.0.1:8080', audience: 'session-authority' });
// Of the cookie app, whose pages open the sockets.
const cookie = new SessionCookie({ allowedOrigins: ['http://localhost:3003'] });

/** From the range that RFC 6455 leaves to applications. */
const CLOSE_REVOKED = 4401;
const CLOSE_EXPIRED = 4408;
/** The longest that a timer of node's takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const sockets = new WebSocketServer({ noServer: true });
const server = createServer((_request, response) => response.writeHead(426).end());
server.on('upgrade', (request, connection, head) => void upgrade(request, connection, head));

async function upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
  connection.on('error', () => connection.destroy());
  // A browser asks nobody before it opens a socket for the page of another site.
  if (!cookie.isFromOwnSite(request)) {
    refuse(connection, 403);
    return;
  }
  try {
    const session = await verifier.verify(cookie.read(request) ?? '');
    sockets.handleUpgrade(request, connection, head, (socket) => serve(socket, session));
  } catch (error) {
    const reason = error instanceof VerificationError ? error.reason : 'unavailable';
    refuse(connection, reason === 'unavailable' ? 503 : 401);
  }
}

function serve(socket: WebSocket, session: VerifiedSession): void {
  const unwatch = verifier.watch(session, () => socket.close(CLOSE_REVOKED, 'session revoked'));
  const leftMs = session.expireTime.getTime() - Date.now();
  const expiry = setTimeout(() => socket.close(CLOSE_EXPIRED, 'session expired'), Math.min(leftMs, MAX_TIMER_MS));
  socket.on('close', () => {
    unwatch();
    clearTimeout(expiry);
  });
  socket.on('error', () => socket.terminate());
  socket.on('message', (message) => socket.send(`${session.userId}: ${(message as Buffer).toString()}`));
}

function refuse(connection: Duplex, status: 401 | 403 | 503): void {
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

await verifier.ready();
server.listen(Number(PORT), '127.0.0.1', () => console.log(`sockets on ws://127.0.0.1:${PORT}`));

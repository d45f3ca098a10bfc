/*
 * A login service for token pairs: log in, refresh, log out everywhere.
 */
import express from 'express';
import { SessionAuthorityClient, SessionError, SessionVerifier } from 'session-authority/client';
import { authenticate, sessionOf } from 'session-authority/client/express';

const { AUTHORITY = '127.0.0.1:50051', PORT = '3001' } = process.env;
const authority = new SessionAuthorityClient({ target: AUTHORITY });
const verifier = new SessionVerifier({ authority, issuer: 'http://127.0.0.1:8080', audience: 'session-authority' });

// Stands in for a check of passwords, passkeys or codes.
const PASSWORDS = new Map([
  ['alice', 'wonderland'],
  ['bob', 'builder'],
]);

const app = express();
app.use(express.json());

app.post('/login', async (request, response) => {
  const { user, password } = request.body as { user: string; password: string };
  if (PASSWORDS.get(user) !== password) {
    response.status(401).json({ error: 'wrong user or password' });
    return;
  }
  const { tokens } = await authority.createSession({
    userId: user,
    claims: { role: 'reader' },
    authTime: new Date(),
    amr: ['pwd'],
    device: { userAgent: request.get('user-agent'), ipAddress: request.ip },
  });
  response.json(tokens);
});

app.post('/refresh', async (request, response) => {
  const { refreshToken } = request.body as { refreshToken: string };
  try {
    const { tokens } = await authority.refreshSession({ refreshToken });
    response.json(tokens);
  } catch (error) {
    const isRefused = error instanceof SessionError && error.code.startsWith('REFRESH_TOKEN_');
    if (!isRefused) throw error;
    response.status(401).json({ error: error.message });
  }
});

app.post('/log-out-everywhere', authenticate({ verifier }), async (request, response) => {
  const { tenantId, userId } = sessionOf(request);
  await authority.revokeSessions({ tenantId, userId, reason: 'logout' });
  response.status(204).end();
});

await verifier.ready();
app.listen(Number(PORT), '127.0.0.1', () => console.log(`login service on http://127.0.0.1:${PORT}`));

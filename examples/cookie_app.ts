/*
 * A server-rendered app over one opaque cookie: visitors have an anonymous session, which a login rotates; users see their
 * devices and can log out here or everywhere else.
 */
import express, { type Request, type RequestHandler } from 'express';
import { type Session, SessionAuthorityClient, SessionVerifier } from 'session-authority/client';
import { SessionCookie } from 'session-authority/client/cookies';
import { authenticate, sessionOf, sessionOrNull } from 'session-authority/client/express';

const { AUTHORITY = '127.0.0.1:50051', PORT = '3003' } = process.env;
const authority = new SessionAuthorityClient({ target: AUTHORITY });
const verifier = new SessionVerifier({ authority, issuer: 'http://127.0.0.1:8080', audience: 'session-authority' });
const cookie = new SessionCookie();

// Stands in for a check of passwords, passkeys or codes.
const PASSWORDS = new Map([
  ['alice', 'wonderland'],
  ['bob', 'builder'],
]);

const app = express();
app.use(express.urlencoded({ extended: false }));
// Before all routes, the login among them: it also refuses forms that another site's page sends.
app.use(authenticate({ verifier, cookie, optional: true }));

app.get('/', async (request, response) => {
  const session = sessionOrNull(request);
  if (session === null) {
    cookie.set(response, await authority.createSession({ tokenMode: 'opaque', device: deviceOf(request) }));
  }
  response.send(
    session?.userId ? `<p>Hello, ${escaped(session.userId)}.</p>${MENU}` : `<p>Hello, stranger.</p>${LOGIN}`,
  );
});

app.post('/login', async (request, response) => {
  const { user, password } = request.body as { user: string; password: string };
  if (PASSWORDS.get(user) !== password) {
    response.status(401).send(`<p>Wrong user or password.</p>${LOGIN}`);
    return;
  }
  await cookie.login(authority, request, response, { userId: user, amr: ['pwd'], device: deviceOf(request) });
  response.redirect(303, '/');
});

const loggedIn: RequestHandler = (request, response, next) => {
  if (sessionOrNull(request)?.userId) next();
  else response.redirect(303, '/');
};

app.get('/devices', loggedIn, async (request, response) => {
  const { userId, sessionId } = sessionOf(request);
  const rows: string[] = [];
  for await (const session of authority.listAllSessions({ userId })) rows.push(row(session, sessionId));
  response.send(`<ul>${rows.join('')}</ul>${MENU}`);
});

app.post('/log-out-elsewhere', loggedIn, async (request, response) => {
  const { userId, sessionId, tenantId } = sessionOf(request);
  await authority.revokeSessions({ userId, tenantId, exceptSessionId: sessionId, reason: 'logout' });
  response.redirect(303, '/devices');
});

app.post('/log-out', loggedIn, async (request, response) => {
  const { sessionId, tenantId } = sessionOf(request);
  await authority.revokeSession({ session: { sessionId }, tenantId });
  cookie.clear(response);
  response.redirect(303, '/');
});

const LOGIN = `<form method="post" action="/login">
  <input name="user" autocomplete="username"> <input name="password" type="password" autocomplete="current-password">
  <button>Log in</button>
</form>`;

const MENU = `<p><a href="/devices">My devices</a></p>
<form method="post" action="/log-out-elsewhere"><button>Log out everywhere else</button></form>
<form method="post" action="/log-out"><button>Log out</button></form>`;

function row({ sessionId, device, lastActiveTime }: Session, mine: string): string {
  const here = sessionId === mine ? ' (this one)' : '';
  return `<li>${escaped(device?.userAgent ?? '')}${here}, last active ${lastActiveTime.toISOString()}</li>`;
}

function deviceOf(request: Request) {
  return { userAgent: request.get('user-agent'), ipAddress: request.ip };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

await verifier.ready();
app.listen(Number(PORT), '127.0.0.1', () => console.log(`app on http://127.0.0.1:${PORT}`));

/*
 * A resource service: it verifies access tokens by itself, and refuses a revoked one as soon as the stream of revocations
 * brings the news.
 */
import express from 'express';
import { SessionAuthorityClient, SessionVerifier } from 'session-authority/client';
import { authenticate, sessionOf } from 'session-authority/client/express';

const { AUTHORITY = '127.0.0.1:50051', PORT = '3002' } = process.env;
const authority = new SessionAuthorityClient({ target: AUTHORITY });
const verifier = new SessionVerifier({ authority, issuer: 'http://127.0.0.1:8080', audience: 'session-authority' });

const app = express();
app.use(authenticate({ verifier }));

app.get('/notes', (request, response) => {
  const { userId, claims } = sessionOf(request);
  response.json({ notes: [`a note of ${userId}`], role: claims['role'] });
});

await verifier.ready();
app.listen(Number(PORT), '127.0.0.1', () => console.log(`resource service on http://127.0.0.1:${PORT}`));

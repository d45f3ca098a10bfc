import { SessionAuthorityClient, SessionVerifier } from '../../src/client/index.ts';
import { startTestServer, type TestServer } from '../harness.ts';

/** A service, and what one of its users has of it. */
export interface TestAuthority {
  readonly server: TestServer;
  readonly authority: SessionAuthorityClient;
  readonly verifier: SessionVerifier;
  stop(): Promise<void>;
}

export async function startAuthority(): Promise<TestAuthority> {
  const server = await startTestServer();
  const { authority, verifier } = verifierOf(`127.0.0.1:${server.grpcPort}`);
  await verifier.ready();
  const stop = async (): Promise<void> => {
    verifier.close();
    authority.close();
    await server.stop();
  };
  return { server, authority, verifier, stop };
}

/** A verifier of the service at that address, whether or not there is one. */
export function verifierOf(target: string): { authority: SessionAuthorityClient; verifier: SessionVerifier } {
  const authority = new SessionAuthorityClient({ target });
  const issuer = 'http://127.0.0.1:8080';
  return { authority, verifier: new SessionVerifier({ authority, issuer, audience: 'session-authority' }) };
}

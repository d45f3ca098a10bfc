import { ServerCredentials } from '@grpc/grpc-js';
import { TLS_HANDSHAKE_TIMEOUT_MS, type Tls } from '../access/tls.ts';

/**
 * Credentials that follow the files of `tls`, and take a client certificate where the peer has one.
 *
 * A peer without a certificate, or with one that does not verify, is let in as one that has shown none: calls tell the
 * certificate of a peer (`getAuthContext`) only where it has verified.
 */
export class ReloadedCredentials extends ServerCredentials {
  constructor({ context, asksForClientCertificate }: Tls) {
    const options = {
      requestCert: asksForClientCertificate,
      rejectUnauthorized: false,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    };
    super(options, context.value);
    context.onChange((changed) => this.updateSecureContextOptions(changed));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

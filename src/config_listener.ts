import type { TlsFiles } from './access/listener_options.ts';

/** What the environment says of TLS; empty = unset. */
export interface TlsVariables {
  readonly TLS_CERT_FILE: string;
  readonly TLS_KEY_FILE: string;
  readonly TLS_CLIENT_CA_FILE: string;
}

/** Null = plain text. Of variables without faults between them. */
export function tlsFiles({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE }: TlsVariables): TlsFiles | null {
  if (TLS_CERT_FILE === '') return null;
  return { cert: TLS_CERT_FILE, key: TLS_KEY_FILE, clientCa: TLS_CLIENT_CA_FILE === '' ? null : TLS_CLIENT_CA_FILE };
}

/** What is wrong between the variables of TLS. */
export function tlsConflicts({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE }: Partial<TlsVariables>): string[] {
  const faults: string[] = [];
  if (TLS_CERT_FILE && !TLS_KEY_FILE) {
    faults.push('TLS_KEY_FILE: is not set; allowed: the file of the key that TLS_CERT_FILE is for');
  }
  if (TLS_KEY_FILE && !TLS_CERT_FILE) {
    faults.push('TLS_CERT_FILE: is not set; allowed: the file of the certificate that TLS_KEY_FILE is the key of');
  }
  if (TLS_CLIENT_CA_FILE && !TLS_CERT_FILE && !TLS_KEY_FILE) {
    faults.push('TLS_CLIENT_CA_FILE: is set; allowed: beside TLS_CERT_FILE and TLS_KEY_FILE');
  }
  return faults;
}

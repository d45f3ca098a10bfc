import { isIPv4 } from 'node:net';
import type { TlsFiles } from './access/listener_options.ts';
import type { Address } from './config_value.ts';

/** What the environment says of TLS; empty = unset. */
export interface TlsVariables {
  readonly TLS_CERT_FILE: string;
  readonly TLS_KEY_FILE: string;
  readonly TLS_CLIENT_CA_FILE: string;
}

/** What the environment says of who may reach the service. */
export interface OpennessVariables extends TlsVariables {
  readonly GRPC_ADDRESS: Address;
  readonly HTTP_ADDRESS: Address;
  readonly CALLERS_FILE: string;
  readonly INSECURE: boolean;
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

/** Which addresses others reach without that the service can tell who they are, or be told from an impostor. */
export function opennessConflicts(values: Partial<OpennessVariables>): string[] {
  const missing = (['TLS_CERT_FILE', 'TLS_KEY_FILE', 'CALLERS_FILE'] as const).filter((name) => !values[name]);
  if (values.INSECURE === true || missing.length === 0) return [];
  return (['GRPC_ADDRESS', 'HTTP_ADDRESS'] as const)
    .filter((name) => !isLoopback(values[name]?.host ?? 'localhost'))
    .map((name) => {
      const others = 'a loopback address such as 127.0.0.1, or INSECURE=true where nobody else can reach it';
      return `${name}: is open to other machines; allowed: together with ${missing.join(', ')}, ${others}`;
    });
}

/** Whether an address is of this machine alone (RFC 6890, RFC 6761 section 6.3). */
function isLoopback(host: string): boolean {
  return host === '::1' || host.toLowerCase() === 'localhost' || (isIPv4(host) && host.startsWith('127.'));
}

import { join } from 'node:path';
import { runProgram, type ServerUser } from './process.ts';

/** Files of a certificate for `localhost` alone, and of the authority that signed it. */
export interface Certificate {
  readonly authority: string;
  readonly cert: string;
  readonly key: string;
}

/** Made by openssl in that folder, as files of that user. */
export async function issueCertificate(folder: string, user: ServerUser): Promise<Certificate> {
  const file = (name: string) => join(folder, name);
  const issue = (name: string, ...more: readonly string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
    const args = ['req', '-x509', ...key, '-out', file(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`, ...more];
    return runProgram('openssl', args, { user, cwd: folder });
  };
  await issue('authority');
  const byAuthority = ['-CA', file('authority.pem'), '-CAkey', file('authority.key')];
  const forServer = ['-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=CA:FALSE'];
  await issue('localhost', ...byAuthority, ...forServer);
  return { authority: file('authority.pem'), cert: file('localhost.pem'), key: file('localhost.key') };
}

/** Files of an authority, by which certificates of any kind can be made. */
export interface Authority {
  readonly cert: string;
  /**
   * A certificate of that name, also as `DNS:` unless it has other alternative names, which ends after so many days; with 0 or
   * less it has ended.
   */
  issue(name: string, days?: number, alternativeNames?: string): Promise<Pick<Certificate, 'cert' | 'key'>>;
}

/** Made by openssl in that folder. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const file = (suffix: string) => join(folder, `${name}${suffix}`);
  const openssl = (...args: readonly string[]) => runProgram('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
  await openssl('req', '-x509', ...newKey, file('.key'), '-out', file('.pem'), '-days', '2', '-subj', `/CN=${name}`);
  let issued = 0;
  return {
    cert: file('.pem'),
    issue: async (subject, days = 30, alternativeNames = `DNS:${subject}`) => {
      issued += 1;
      const [request, cert, key] = ['csr', 'pem', 'key'].map((suffix) => file(`-${issued}.${suffix}`)) as [
        string,
        string,
        string,
      ];
      const names = ['-subj', `/CN=${subject}`, '-addext', `subjectAltName=${alternativeNames}`];
      await openssl('req', ...newKey, key, '-out', request, ...names);
      const by = ['-CA', file('.pem'), '-CAkey', file('.key'), '-CAcreateserial', '-copy_extensions', 'copy'];
      await openssl('x509', '-req', '-in', request, ...by, '-days', String(days), '-out', cert);
      return { cert, key };
    },
  };
}

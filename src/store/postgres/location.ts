/** A server that may be the primary; a host that begins with / is the folder of its Unix socket. */
export interface PostgresHost {
  readonly host: string;
  readonly port: number;
}

/** Certificates as PEM files; null = the system's roots, or no client certificate. */
export interface PostgresTls {
  readonly rootCertPath: string | null;
  readonly certPath: string | null;
  readonly keyPath: string | null;
}

/** Which database to use, and how to reach it. */
export interface PostgresLocation {
  /** One of them takes writes at a time; not empty. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** null = unencrypted; otherwise the server's certificate is verified. */
  readonly tls: PostgresTls | null;
  /** The server's settings for each connection, such as `-c search_path=sessions`. */
  readonly options: string;
  readonly applicationName: string;
}

/** How the database is used. */
export interface PostgresOptions {
  /** Connections at most. */
  readonly poolSize: number;
  /** False behind a pooler that gives each transaction another connection: it can keep no statement and no setting. */
  readonly preparedStatements: boolean;
}

/** For messages; without the password. */
export function locationText({ hosts, database, user }: PostgresLocation): string {
  const names = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `the database ${database} at ${names.join(', ')} as ${user}`;
}

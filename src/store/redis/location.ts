/** Where the servers are, and as whom to speak to them. */
export interface RedisLocation {
  readonly kind: 'redis' | 'redis-sentinel' | 'redis-cluster';
  /** The server, the sentinels, or some nodes of the Cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** What the sentinels call the master; else empty. */
  readonly master: string;
  readonly database: number;
  /** Empty = the default user. */
  readonly username: string;
  /** Empty = none. */
  readonly password: string;
  readonly tls: boolean;
}

/** The sentinels' own; empty = none. */
export interface SentinelCredentials {
  readonly username: string;
  readonly password: string;
}

/** How the store is kept. */
export interface RedisOptions {
  readonly keyPrefix: string;
  readonly partitions: number;
  /** How many replicas must confirm a revocation; null = half of those that were ever connected. */
  readonly waitReplicas: number | null;
  readonly sentinel: SentinelCredentials;
}

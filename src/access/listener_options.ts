/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, with those between it and its authority. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of which client certificates are taken; null = none is asked for. */
  readonly clientCa: string | null;
}

/** Connections that a listener may have at once. */
export interface ConnectionLimits {
  /** In all. */
  readonly total: number;
  /** Of one peer: an IPv4 address, or the first 64 bits of an IPv6 address, of which one host may have all others. */
  readonly perPeer: number;
}

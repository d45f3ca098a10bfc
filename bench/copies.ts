/** What a copy has of its own. */
export interface Copy {
  readonly sessionId: string;
  readonly userId: string;
}

/** Puts sessions right into a store, as many as RPCs would take too long for. */
export interface Copies {
  /** As the store keeps the one that the service began. */
  add(sessionId: string, copies: readonly Copy[]): Promise<unknown>;
  /** Makes the user's sessions live again that a log-out ended. */
  revive(userId: string): Promise<unknown>;
  /** What a store would do some time after so many writes. */
  settle(): Promise<unknown>;
  /** What sessions take, with their indexes; of a store that is settled. */
  bytes(): Promise<number>;
  close(): Promise<unknown> | void;
}

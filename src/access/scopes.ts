/** What a caller may be trusted with. */
export const SCOPES = [
  'sessions.create',
  /** Create for a user in whose place someone else acts. */
  'sessions.impersonate',
  'sessions.validate',
  'sessions.refresh',
  'sessions.read',
  'sessions.update',
  'sessions.rotate',
  'sessions.revoke',
  /** Name a session by its id alone, without a credential of it. */
  'sessions.manage',
  'revocations.watch',
  /** All of the above, and whatever concerns a whole client or tenant. */
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

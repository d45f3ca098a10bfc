export { SessionError } from '../error.ts';
export type { FieldViolation, SessionErrorCode } from '../error.ts';
export type { Revocation, RevocationReason, RevocationScope } from '../revocation/revocation.ts';
export { CallError } from './call_error.ts';
export type { CallStatus, Refusal } from './call_error.ts';
export { SessionAuthorityClient } from './client.ts';
export type {
  ActiveValidation,
  Actor,
  BegunSession,
  Device,
  DeviceChange,
  InactiveValidation,
  JsonWebKey,
  JsonWebKeySet,
  OpaqueTokens,
  PairTokens,
  RefreshedSession,
  RevocationSubscription,
  RevokedSession,
  RevokedSessions,
  Session,
  SessionPage,
  Tokens,
  UpdatedSession,
  Validation,
} from './client_answers.ts';
export type {
  ActorInput,
  CallOptions,
  ConnectionOptions,
  CreateSessionRequest,
  DeviceInput,
  GetSessionRequest,
  GivenRevocationReason,
  JsonObject,
  ListSessionsRequest,
  RefreshSessionRequest,
  RevokeSessionRequest,
  RevokeSessionsRequest,
  RotateSessionRequest,
  SessionHandle,
  SessionView,
  TokenMode,
  UpdateSessionRequest,
  ValidateSessionRequest,
  WatchRevocationsRequest,
} from './client_types.ts';
export type { DisconnectReason, ResetCause, RevocationStreamEvent } from './watch_events.ts';
export { SessionVerifier } from './verifier.ts';
export type {
  RevokedEvent,
  SessionVerifierOptions,
  VerifierAuthority,
  VerifierEvents,
  VerifierState,
} from './verifier.ts';
export type { VerifyOptions } from './verifier_core.ts';
export { VerificationError } from './verified_session.ts';
export type { VerificationReason, VerifiedSession } from './verified_session.ts';

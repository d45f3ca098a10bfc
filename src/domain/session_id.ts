import { createHash, randomBytes } from 'node:crypto';
import { v7 } from 'uuid';

/**
 * Makes a session id: a UUIDv7 (RFC 9562, section 5.7) whose last 16 bits are a hash of tenant and
 * owner, so that any id of one owner tells the same partition. An anonymous session is owned by the
 * request that asks for it, so that a retry comes to the same partition; without one by chance.
 */
export function newSessionId(tenantId: string, owner: string): string {
  const random = randomBytes(16);
  if (owner !== '') random.writeUInt16BE(ownerBits(tenantId, owner), 14);
  return v7({ random });
}

/** The last 16 bits of the ids of the owner's sessions. */
export function ownerBits(tenantId: string, owner: string): number {
  return createHash('sha256')
    .update(JSON.stringify([tenantId, owner]))
    .digest()
    .readUInt16BE();
}

/** A new id for the owner that another session has. */
export function siblingSessionId(sessionId: string): string {
  const random = randomBytes(16);
  random.write(sessionId.slice(-4), 14, 'hex');
  return v7({ random });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID in its canonical lower-case form (RFC 9562, section 4). */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

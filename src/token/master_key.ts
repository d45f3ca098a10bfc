import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Derives the key of one purpose from the master key (HKDF-SHA-256, RFC 5869). */
export function deriveKey(masterKey: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', `session-authority ${purpose}`, KEY_BYTES));
}

/** Encrypts under AES-256-GCM; `context` is bound to the result and must be given again to open it. */
export function seal(masterKey: Uint8Array, context: string, secret: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(masterKey, 'seal'), iv).setAAD(Buffer.from(context));
  const encrypted = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([iv, encrypted, cipher.getAuthTag()]);
}

/** Opens what `seal` made; undefined where the master key or the context is another. */
export function unseal(masterKey: Uint8Array, context: string, sealed: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(sealed);
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', deriveKey(masterKey, 'seal'), bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Decodes a master key: base64 of exactly 32 bytes; undefined where it is anything else. */
export function parseMasterKey(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text ? bytes : undefined;
}

export function generateMasterKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** Reads a master key file. Throws an error that names the file and never its content. */
export function readMasterKeyFile(path: string): Buffer {
  const key = parseMasterKey(readFileSync(path, 'utf8').trim());
  if (key === undefined) throw new Error(`${path}: not a master key; it must hold base64 of 32 bytes`);
  return key;
}

/** Reads the key file, or makes it (mode 0600) where there is none; whoever comes first decides. */
export function ensureMasterKeyFile(path: string): Buffer {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    return readMasterKeyFile(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${generateMasterKey().toString('base64')}\n`);
    fsyncSync(file);
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    closeSync(file);
    rmSync(draft, { force: true });
  }
  return readMasterKeyFile(path);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

import { randomUUID } from 'node:crypto';
import { type Session, statusOf } from '../../domain/session.ts';
import type { ListQuery } from '../../domain/store.ts';
import { LOG_START, type LogEntry, type LogPosition } from '../../revocation/log.ts';
import { epochKeys } from '../embedded/step.ts';
import type {
  Engine,
  EpochKey,
  EpochRecord,
  LeaseRecord,
  LifetimeKind,
  RequestRecord,
  StoredSession,
  Tables,
} from '../embedded/tables.ts';
import type { StoredKey } from '../../token/keys.ts';

/** An engine that keeps everything in this process, and loses it with the process. */
export function createMemoryEngine(birthTimeMs: number): Engine {
  const tables = new MemoryTables();
  return {
    storeId: randomUUID(),
    birthTimeMs,
    read: (step) => step(tables),
    sharesCommits: false,
    // A step decides before it writes, and no write here can fail: there is nothing to roll back.
    write: (step) => step(tables),
    changedElsewhere: () => false,
    close: () => {},
  };
}

interface Row {
  session: Session;
  purgeTimeMs: number;
}

class MemoryTables implements Tables {
  readonly #rows = new Map<string, Row>();
  readonly #idsOfUsers = new IdsOfUsers();
  readonly #epochs = new Map<string, EpochRecord>();
  readonly #requests = new Map<string, RequestRecord>();
  readonly #lifetimes = new Map<LifetimeKind, Map<number, number>>();
  readonly #keys = new Map<string, StoredKey>();
  readonly #leases = new Map<string, LeaseRecord>();
  #log: LogEntry[] = [];

  session(sessionId: string): StoredSession | undefined {
    const row = this.#rows.get(sessionId);
    return row === undefined ? undefined : { session: row.session, meetsMinima: false };
  }

  insertSession(session: Session, purgeTimeMs: number): void {
    this.#rows.set(session.sessionId, { session, purgeTimeMs });
    if (session.userId !== '') this.#idsOfUsers.add(session);
  }

  updateSession(session: Session): void {
    this.#change(session.sessionId, () => session);
  }

  revokeSession(sessionId: string, revocation: NonNullable<Session['revocation']>, purgeTimeMs: number): void {
    this.#change(sessionId, (session) => ({ ...session, revocation }));
    this.setPurgeTime(sessionId, purgeTimeMs);
  }

  setUserGeneration(sessionId: string, generation: number): void {
    this.#change(sessionId, (session) => {
      const [, client, tenant, global] = session.generations;
      return { ...session, generations: [generation, client, tenant, global] };
    });
  }

  touchSession(sessionId: string, lastActiveTimeMs: number): void {
    this.#change(sessionId, (session) => ({ ...session, lastActiveTimeMs }));
  }

  setPurgeTime(sessionId: string, purgeTimeMs: number): void {
    const row = this.#rows.get(sessionId);
    if (row !== undefined) row.purgeTimeMs = purgeTimeMs;
  }

  deleteSession(sessionId: string): void {
    const session = this.#rows.get(sessionId)?.session;
    if (session === undefined) return;
    this.#rows.delete(sessionId);
    this.#idsOfUsers.delete(session);
  }

  unrevokedOfUser(tenantId: string, userId: string, minGeneration: number): Session[] {
    return this.#ofUser(tenantId, userId).filter(
      (session) => session.revocation === null && session.generations[0] >= minGeneration,
    );
  }

  countLive(tenantId: string | null, clientId: string | null, nowMs: number): number {
    let live = 0;
    for (const { session } of this.#rows.values()) {
      if (tenantId !== null && session.tenantId !== tenantId) continue;
      if (clientId !== null && session.clientId !== clientId) continue;
      const [user, client, tenant, global] = epochKeys(session).map((key) => this.epoch(key)?.epoch ?? undefined);
      if (statusOf(session, [user, client, tenant, global], nowMs).state === 'active') live += 1;
    }
    return live;
  }

  listOfUser(query: Omit<ListQuery, 'states' | 'limit'>, minGeneration: number | null): Session[] {
    const { tenantId, userId, clientId, deviceId, after } = query;
    const sessions =
      minGeneration === null ? this.#ofUser(tenantId, userId) : this.unrevokedOfUser(tenantId, userId, minGeneration);
    return sessions
      .filter((session) => clientId === '' || session.clientId === clientId)
      .filter((session) => deviceId === '' || session.device.deviceId === deviceId)
      .filter((session) => after === null || newestFirst(after, session) < 0)
      .sort(newestFirst);
  }

  sessionsDue(nowMs: number, limit: number): Session[] {
    return firstWhere(this.#rows.values(), (row) => row.purgeTimeMs <= nowMs, limit).map((row) => row.session);
  }

  epoch(key: EpochKey): EpochRecord | undefined {
    return this.#epochs.get(epochName(key));
  }

  putEpoch(key: EpochKey, record: EpochRecord): void {
    this.#epochs.set(epochName(key), record);
  }

  deleteEpochsDue(nowMs: number, limit: number): number {
    return deleteWhere(this.#epochs, (record) => record.keepUntilMs <= nowMs, limit);
  }

  request(key: string): RequestRecord | undefined {
    return this.#requests.get(key);
  }

  putRequest(key: string, record: RequestRecord): void {
    this.#requests.set(key, record);
  }

  deleteRequestsDue(nowMs: number, limit: number): number {
    return deleteWhere(this.#requests, (record) => record.expireTimeMs <= nowMs, limit);
  }

  logHead(): LogPosition {
    const { position, tag } = this.#log.at(-1) ?? LOG_START;
    return { partition: 0, position, tag };
  }

  appendLog(entry: LogEntry): void {
    this.#log.push(entry);
  }

  logAfter(position: number, limit: number): LogEntry[] {
    const first = this.#log[0];
    if (first === undefined) return [];
    const start = Math.max(0, position - first.position + 1);
    return this.#log.slice(start, start + limit);
  }

  trimLog(position: number): void {
    const first = this.#log[0];
    if (first !== undefined) this.#log = this.#log.slice(position - first.position + 1);
  }

  longestLifetimeMs(kind: LifetimeKind, nowMs: number): number {
    const lifetimes = [...(this.#lifetimes.get(kind) ?? [])].filter(([, inForceUntilMs]) => inForceUntilMs > nowMs);
    return Math.max(0, ...lifetimes.map(([lifetimeMs]) => lifetimeMs));
  }

  lifetimeInForceUntilMs(kind: LifetimeKind, lifetimeMs: number): number {
    return this.#lifetimes.get(kind)?.get(lifetimeMs) ?? 0;
  }

  putLifetime(kind: LifetimeKind, lifetimeMs: number, inForceUntilMs: number): void {
    const lifetimes = this.#lifetimes.get(kind) ?? new Map<number, number>();
    this.#lifetimes.set(kind, lifetimes.set(lifetimeMs, inForceUntilMs));
  }

  keys(): StoredKey[] {
    return [...this.#keys.values()];
  }

  insertKeyIfAbsent(key: StoredKey): void {
    const name = `${key.use}:${key.sequence}`;
    if (!this.#keys.has(name)) this.#keys.set(name, key);
  }

  lease(name: string): LeaseRecord | undefined {
    return this.#leases.get(name);
  }

  putLease(name: string, record: LeaseRecord): void {
    this.#leases.set(name, record);
  }

  #change(sessionId: string, change: (session: Session) => Session): void {
    const row = this.#rows.get(sessionId);
    if (row !== undefined) row.session = change(row.session);
  }

  #ofUser(tenantId: string, userId: string): Session[] {
    return this.#idsOfUsers.get(tenantId, userId).flatMap((sessionId) => this.#rows.get(sessionId)?.session ?? []);
  }
}

type Ids = Pick<Session, 'tenantId' | 'userId' | 'sessionId'>;

/** The sessions of each user, most of whom have one. */
class IdsOfUsers {
  readonly #tenants = new Map<string, Map<string, string | Set<string>>>();

  get(tenantId: string, userId: string): readonly string[] {
    const ids = this.#tenants.get(tenantId)?.get(userId);
    if (ids === undefined) return [];
    return typeof ids === 'string' ? [ids] : [...ids];
  }

  add({ tenantId, userId, sessionId }: Ids): void {
    const users = this.#tenants.get(tenantId) ?? new Map<string, string | Set<string>>();
    this.#tenants.set(tenantId, users);
    const ids = users.get(userId);
    if (ids === undefined) users.set(userId, sessionId);
    else if (typeof ids === 'string') users.set(userId, new Set([ids, sessionId]));
    else ids.add(sessionId);
  }

  delete({ tenantId, userId, sessionId }: Ids): void {
    const users = this.#tenants.get(tenantId);
    const ids = users?.get(userId);
    if (typeof ids === 'object') ids.delete(sessionId);
    if (ids === sessionId || (typeof ids === 'object' && ids.size === 0)) users?.delete(userId);
    if (users?.size === 0) this.#tenants.delete(tenantId);
  }
}

/** Unambiguous for any ids: the tenant's length comes first. */
function userKey(tenantId: string, userId: string): string {
  return `${tenantId.length}:${tenantId}${userId}`;
}

function epochName({ scope, tenantId, subject }: EpochKey): string {
  return `${scope}:${userKey(tenantId, subject)}`;
}

type ListPosition = Pick<Session, 'createTimeMs' | 'sessionId'>;

function newestFirst(a: ListPosition, b: ListPosition): number {
  return b.createTimeMs - a.createTimeMs || (a.sessionId < b.sessionId ? 1 : a.sessionId > b.sessionId ? -1 : 0);
}

function firstWhere<T>(values: Iterable<T>, matches: (value: T) => boolean, limit: number): T[] {
  const found: T[] = [];
  for (const value of values) {
    if (found.length === limit) break;
    if (matches(value)) found.push(value);
  }
  return found;
}

function deleteWhere<V>(map: Map<string, V>, matches: (value: V) => boolean, limit: number): number {
  const found = firstWhere(map, ([, value]) => matches(value), limit);
  for (const [key] of found) map.delete(key);
  return found.length;
}

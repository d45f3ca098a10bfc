import { setImmediate as turn } from 'node:timers/promises';
import type { Validation } from '../../src/client/client_answers.ts';
import { VerificationError, type VerifiedSession } from '../../src/client/verified_session.ts';
import type { VerifyOptions } from '../../src/client/verifier_core.ts';
import type { Generations, Revocation, RevocationScope } from '../../src/revocation/revocation.ts';
import { RevocationSet } from '../../src/revocation/set.ts';
import type { Dice } from '../process/dice.ts';
import {
  accessToken,
  active,
  clock,
  CoreBench,
  inactive,
  type Question,
  revocation,
  sessionId,
  sessionToken,
} from './core_bench.ts';

const TENANTS = ['acme', 'other'] as const;
/** What a stream may tell of; none = all. */
const COVERS: readonly (readonly string[])[] = [[], ['acme'], ['other'], TENANTS];
const USERS = ['alice', 'bob'] as const;
const CLIENTS = ['web', 'app'] as const;
const LIFETIME_MS = 600_000;
/** How long beyond a token's life its revocation is kept. */
const SLACK_MS = 65_000;

/** A session as the store has it. */
interface StoredSession {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly isOpaque: boolean;
  generations: Generations;
  version: number;
  minVersion: number;
  /** The entry of the log that ended it. */
  endedBy: number | null;
}

/** A credential that was issued. */
interface Credential {
  readonly text: string;
  readonly of: StoredSession;
  /** Of an access token. */
  readonly kid: string;
  readonly version: number;
  readonly expiresMs: number;
}

/** One call of verify under way. */
interface Call {
  readonly credential: Credential;
  readonly options: VerifyOptions;
}

/**
 * A random walk of a service, its store's log, the stream that brings it and a verifier that reads it: each acts when the
 * dice say so. What the verifier says is compared with what the store has, and with how much of the log was brought.
 */
export class VerifierWalk {
  readonly #dice: Dice;
  readonly #bench = new CoreBench();
  readonly #sessions: StoredSession[] = [];
  readonly #credentials: Credential[] = [];
  readonly #log: Revocation[] = [];
  /** Of entries, when they were made. */
  readonly #appendedMs: number[] = [];
  /** Of entries, whether the verifier has been given them. */
  readonly #isApplied: boolean[] = [];
  /** How much of the log the stream has gone through, and of which tenants it tells. */
  #position = 0;
  #covers: readonly string[] = [];
  /** What the last cursor is of, where a snapshot was broken off and there is no stream. */
  #resumesAs: readonly string[] | null = null;
  readonly #minima = new Map<string, number>();
  readonly #withdrawn = new Map<string, number>();
  #kid = 1;
  #counter = 1;
  /** What the store said to questions whose answer is on its way. */
  readonly #read = new Map<Question, Validation>();
  #open = 0;
  /** What was said against the rules. */
  readonly faults: string[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#bench.ageMs = Number.POSITIVE_INFINITY;
  }

  /** @returns how many calls were judged */
  async take(steps: number): Promise<number> {
    for (let count = 1 + this.#dice.below(3); count > 0; count -= 1) this.#create();
    let judged = 0;
    for (let step = 0; step < steps; step += 1) {
      this.#pass(1_000);
      if (this.#step()) await turn();
    }
    // In the end all is here, and the service tells: then there is one right word for each credential.
    this.#deliver(this.#log.length, false);
    this.#checkpoint();
    while (this.#open > 0) await this.#settle();
    for (const credential of this.#credentials) {
      this.#verify(credential, {}, true);
      while (this.#open > 0) await this.#settle();
      judged += 1;
    }
    this.#bench.core.close();
    return judged;
  }

  /** Whether promises may have to go on. */
  #step(): boolean {
    const dice = this.#dice;
    switch (dice.below(20)) {
      case 0:
        this.#create();
        return false;
      case 1:
        this.#issue(dice.pick(this.#sessions));
        return false;
      case 2:
        this.#supersede(dice.pick(this.#sessions));
        return false;
      case 3:
        this.#end(dice.pick(this.#sessions));
        return false;
      case 4:
        this.#rotate(dice.pick(this.#sessions));
        return false;
      case 5:
      case 6:
        this.#raise(dice.pick(this.#sessions));
        return false;
      case 7:
        if (dice.chance(0.3)) this.#withdraw();
        return false;
      case 8:
        this.#reset();
        return false;
      case 9:
        this.#position = dice.below(this.#position + 1);
        return false;
      case 10:
      case 11:
        this.#deliver(1 + dice.below(3), false);
        return false;
      case 12:
        this.#checkpoint();
        return false;
      case 13:
        this.#pass(dice.pick([3_000, 3_000, 20_000, 50_000, 700_000]));
        return false;
      case 14:
        return this.#reply();
      case 15:
        for (const question of this.#bench.questions) this.#readFor(question);
        return false;
      default:
        this.#verify(dice.pick(this.#credentials), this.#options(), false);
        return true;
    }
  }

  #options(): VerifyOptions {
    const dice = this.#dice;
    return dice.chance(0.7) ? {} : dice.pick([{ consistency: 'strong' }, { maxStaleMs: 0 }, { freshMs: 0 }] as const);
  }

  #create(): void {
    const dice = this.#dice;
    const [tenantId, userId, clientId] = [dice.pick(TENANTS), dice.pick(USERS), dice.pick(CLIENTS)];
    const session: StoredSession = {
      id: sessionId(this.#sessions.length),
      tenantId,
      userId,
      clientId,
      isOpaque: dice.chance(0.5),
      generations: this.#minimaOf(tenantId, userId, clientId),
      version: 1,
      minVersion: 0,
      endedBy: null,
    };
    this.#sessions.push(session);
    this.#issue(session);
  }

  #minimaOf(tenantId: string, userId: string, clientId: string): Generations {
    const minimum = (name: string) => this.#minima.get(name) ?? 0;
    const ofTenant = `tenant ${tenantId}`;
    return [
      minimum(`user ${tenantId} ${userId}`),
      minimum(`client ${tenantId} ${clientId}`),
      minimum(ofTenant),
      minimum('global'),
    ];
  }

  #issue(session: StoredSession): void {
    if (session.endedBy !== null) return;
    const { id, tenantId, userId, clientId, generations, version, isOpaque } = session;
    const kid = `key-${this.#kid}`;
    const identity = { kid, sessionId: id, tenantId, subject: userId, clientId, generations, version };
    const text = isOpaque ? sessionToken(id) : accessToken(identity, LIFETIME_MS);
    const expiresMs = isOpaque ? Number.POSITIVE_INFINITY : Date.parse('2026-03-01T12:00:00Z') + LIFETIME_MS;
    if (clock.nowMs >= expiresMs) return;
    this.#credentials.push({ text, of: session, kid: isOpaque ? '' : kid, version, expiresMs });
  }

  #append(scope: RevocationScope): number {
    this.#log.push(revocation(scope, clock.nowMs + LIFETIME_MS + SLACK_MS));
    this.#appendedMs.push(clock.nowMs);
    return this.#log.length - 1;
  }

  #supersede(session: StoredSession): void {
    if (session.endedBy !== null) return;
    session.version += 1;
    session.minVersion = session.version;
    this.#append({ kind: 'session', tenantId: session.tenantId, sessionId: session.id, minVersion: session.version });
  }

  #end(session: StoredSession): void {
    if (session.endedBy !== null) return;
    session.endedBy = this.#append({
      kind: 'session',
      tenantId: session.tenantId,
      sessionId: session.id,
      minVersion: 0,
    });
  }

  #rotate(session: StoredSession): void {
    if (session.endedBy !== null) return;
    this.#end(session);
    this.#create();
  }

  /** Of one of the scopes that a session is in. */
  #raise({ id, tenantId, userId, clientId, endedBy }: StoredSession): void {
    const minGeneration = (this.#counter += 1);
    const exceptSessionId = endedBy === null && this.#dice.chance(0.5) ? id : '';
    const scopes: readonly (readonly [string, RevocationScope])[] = [
      [`user ${tenantId} ${userId}`, { kind: 'user', tenantId, userId, minGeneration, exceptSessionId }],
      [`client ${tenantId} ${clientId}`, { kind: 'client', tenantId, clientId, minGeneration }],
      [`tenant ${tenantId}`, { kind: 'tenant', tenantId, minGeneration }],
      ['global', { kind: 'global', minGeneration }],
    ];
    const [name, scope] = this.#dice.pick([...scopes, ...scopes.slice(0, 1), ...scopes.slice(0, 2)]);
    this.#minima.set(name, minGeneration);
    const entry = this.#append(scope);
    for (const session of this.#sessions) {
      if (session.endedBy !== null) continue;
      const minima = this.#minimaOf(session.tenantId, session.userId, session.clientId);
      if (scope.kind === 'user' && session.id === exceptSessionId) {
        session.generations = [minGeneration, ...session.generations.slice(1)] as unknown as Generations;
      }
      if (session.generations.some((generation, index) => generation < (minima[index] ?? 0))) session.endedBy = entry;
    }
  }

  #withdraw(): void {
    const kid = `key-${this.#kid}`;
    this.#kid += 1;
    this.#withdrawn.set(kid, this.#append({ kind: 'key', kid }));
  }

  /** A snapshot of what is in force, from which on the stream goes on; or a part of one, and the stream breaks. */
  #reset(): void {
    const { core } = this.#bench;
    this.#resume();
    const former = this.#covers;
    if (this.#dice.chance(0.5)) this.#reopen(this.#dice.pick(COVERS), 'snapshot');
    const inForce = new RevocationSet();
    for (const entry of this.#log) if ((entry.discardTimeMs ?? clock.nowMs) >= clock.nowMs) inForce.apply(entry);
    const all = [...inForce.revocations()].filter((entry) => this.#tells(entry)).sort(() => this.#dice.below(3) - 1);
    core.receive({ kind: 'reset', cause: 'truncated' });
    if (this.#dice.chance(0.3)) {
      // Merged entries can not be told apart: what they end counts as brought when the snapshot is whole.
      this.#bench.receive(all.slice(0, this.#dice.below(all.length + 1)), true);
      this.#resumesAs = former;
      return;
    }
    this.#bench.receive(all, true);
    core.receive({ kind: 'snapshot_complete' });
    this.#position = this.#log.length;
    this.#noteApplied(0, this.#log);
  }

  #resume(): void {
    if (this.#resumesAs !== null) this.#reopen(this.#resumesAs, 'resumed');
    this.#resumesAs = null;
  }

  #reopen(covers: readonly string[], start: 'resumed' | 'snapshot'): void {
    this.#covers = covers;
    this.#bench.open(covers, start);
  }

  #tells({ scope }: Revocation): boolean {
    return (
      this.#covers.length === 0 ||
      scope.kind === 'key' ||
      scope.kind === 'global' ||
      this.#covers.includes(scope.tenantId)
    );
  }

  #deliver(count: number, isSnapshot: boolean): void {
    this.#resume();
    const entries = this.#log.slice(this.#position, this.#position + count);
    const told = entries.filter((entry) => this.#tells(entry));
    if (told.length > 0) this.#bench.receive(told, isSnapshot);
    this.#noteApplied(this.#position, entries);
    this.#position += entries.length;
  }

  #noteApplied(from: number, entries: readonly Revocation[]): void {
    for (const [index, entry] of entries.entries()) if (this.#tells(entry)) this.#isApplied[from + index] = true;
  }

  #checkpoint(): void {
    this.#resume();
    if (this.#position === this.#log.length) this.#bench.prove();
  }

  #pass(ms: number): void {
    clock.nowMs += ms;
    this.#bench.ageMs += ms;
  }

  /** What the store says now. */
  #readFor(question: Question): Validation {
    const known = this.#read.get(question);
    if (known !== undefined) return known;
    const credential = this.#credentials.find(({ text }) => text === question.credential) as Credential;
    const { id, tenantId, userId, clientId } = credential.of;
    const subject = { sessionId: id, tenantId, userId, clientId };
    const truth = this.#truth(credential);
    const answer = truth === 'live' ? active(subject) : inactive(truth);
    this.#read.set(question, answer);
    return answer;
  }

  #reply(): boolean {
    const { questions } = this.#bench;
    if (questions.length === 0) return false;
    const question = this.#dice.pick(questions);
    if (this.#dice.chance(0.3)) question.fail();
    else question.answer(this.#readFor(question));
    return true;
  }

  async #settle(): Promise<void> {
    for (const question of this.#bench.questions.splice(0)) question.answer(this.#readFor(question));
    await turn();
  }

  #truth({ of, kid, version, expiresMs }: Credential): 'live' | 'expired' | 'revoked' | 'superseded' {
    if (clock.nowMs >= expiresMs) return 'expired';
    if (of.endedBy !== null || this.#withdrawn.has(kid)) return 'revoked';
    return kid !== '' && version < of.minVersion ? 'superseded' : 'live';
  }

  /** The entries that end it. */
  #endsOf({ of, kid, version }: Credential): readonly number[] {
    const ends = [of.endedBy, this.#withdrawn.get(kid) ?? null];
    if (kid !== '' && version < of.minVersion) {
      const superseding = this.#log.findIndex(
        ({ scope }) => scope.kind === 'session' && scope.sessionId === of.id && scope.minVersion > version,
      );
      ends.push(superseding === -1 ? null : superseding);
    }
    return ends.filter((entry) => entry !== null);
  }

  #verify(credential: Credential, options: VerifyOptions, isLast: boolean): void {
    this.#open += 1;
    const call = { credential, options };
    void this.#bench.core.verify(credential.text, options).then(
      (session) => this.#onAccepted(call, session, isLast),
      (error: unknown) => this.#onRefused(call, error, isLast),
    );
  }

  #onAccepted({ credential, options }: Call, { decidedBy, sessionId: id }: VerifiedSession, isLast: boolean): void {
    this.#open -= 1;
    const truth = this.#truth(credential);
    if (id !== credential.of.id) this.#fault('of another session', credential);
    const ends = this.#endsOf(credential);
    if (ends.some((entry) => this.#isApplied[entry])) {
      this.#fault(`accepted (${decidedBy}) though its end was brought`, credential);
    }
    if (isLast && truth !== 'live') this.#fault(`accepted (${decidedBy}) in the end`, credential);
    const { ageMs } = this.#bench;
    const boundMs = { local: 5_000, local_stale: 60_000, service: Number.POSITIVE_INFINITY }[decidedBy];
    if (ageMs > boundMs) this.#fault(`accepted (${decidedBy}) at the age of ${ageMs} ms`, credential);
    if (ends.some((entry) => (this.#appendedMs[entry] ?? 0) < clock.nowMs - boundMs)) {
      this.#fault(`accepted (${decidedBy}) though its end was to be known`, credential);
    }
    if (options.consistency === 'strong' && decidedBy !== 'service') this.#fault('not strong', credential);
  }

  #onRefused({ credential }: Call, error: unknown, isLast: boolean): void {
    this.#open -= 1;
    const reason = error instanceof VerificationError ? error.reason : String(error);
    const truth = this.#truth(credential);
    if (reason === 'unavailable') {
      if (isLast) this.#fault('unavailable in the end', credential);
      return;
    }
    // Of a tenant that the stream does not tell of any more, what was known then is all that is.
    const isTold = this.#covers.length === 0 || this.#covers.includes(credential.of.tenantId);
    const isRight = reason === truth || (reason === 'superseded' && !isTold);
    if (truth === 'live' || (isLast && !isRight)) this.#fault(`refused as ${reason}`, credential);
  }

  #fault(what: string, credential: Credential): void {
    this.faults.push(`${what}: ${JSON.stringify(credential.of)}, which is ${this.#truth(credential)}`);
  }
}

import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FrameEvent, RevocationStreamEvent } from '../../src/client/watch_events.ts';
import type { Generations } from '../../src/revocation/revocation.ts';
import { RevocationSet } from '../../src/revocation/set.ts';
import { temporaryFolder } from '../harness.ts';

export type Decision = 'good' | 'revoked' | 'superseded' | 'untrusted';

/** A frame as protojson. */
export type JsonFrame = Readonly<Record<string, unknown>>;

export interface VectorToken {
  readonly kid: string;
  readonly sid: string;
  readonly tid: string;
  readonly sub: string;
  readonly client_id: string;
  readonly gen: Generations;
  readonly ver: number;
}

export interface Vector {
  readonly subject: string;
  readonly tenant_ids: readonly string[];
  readonly now: string;
  readonly tokens: Readonly<Record<string, VectorToken>>;
  readonly steps: readonly {
    readonly note: string;
    readonly now?: string;
    readonly frame?: JsonFrame;
    readonly binary: string;
    readonly cursor: string;
    readonly decisions: Readonly<Record<string, Decision>>;
  }[];
}

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const FOLDER = join(ROOT, 'test/vectors');

/** All vectors, by the names of their files. */
export function readVectors(): ReadonlyMap<string, Vector> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  return new Map(names.map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Vector]));
}

/** What a subscriber knows, and what it says of a token. */
export class ReferenceView {
  readonly #set = new RevocationSet();
  /** Those that the stream tells of, and of these the ones of which all was here once; empty = every tenant. */
  #told: readonly string[];
  #proven: readonly string[] | null = null;
  #isUnderstood = true;

  constructor(tenantIds: readonly string[]) {
    this.#told = tenantIds;
  }

  apply(event: FrameEvent | RevocationStreamEvent): void {
    if (event.kind === 'revocations') for (const revocation of event.revocations) this.#set.apply(revocation);
    if (event.kind === 'opened') this.#open(event.tenantIds);
    if (event.kind === 'checkpoint') this.#proven = this.#told;
    if (event.kind === 'unknown_scope') this.#isUnderstood = false;
  }

  forget(nowMs: number): Promise<void> {
    return this.#set.discard(nowMs);
  }

  decide({ kid, sid, tid, sub, client_id, gen, ver }: VectorToken): Decision {
    const named = { kid, sessionId: sid, tenantId: tid, subject: sub, clientId: client_id };
    const known = this.#set.check({ ...named, generations: gen, version: ver });
    if (known !== 'good') return known;
    return this.#isUnderstood && this.#isProven(tid) ? 'good' : 'untrusted';
  }

  #open(tenantIds: readonly string[]): void {
    const proven = tenantIds.filter((id) => this.#isProven(id));
    this.#told = tenantIds;
    if (tenantIds.length > 0) this.#proven = proven.length > 0 ? proven : null;
  }

  #isProven(tenantId: string): boolean {
    return this.#proven !== null && (this.#proven.length === 0 || this.#proven.includes(tenantId));
  }
}

/** By another implementation of protobuf than the project's own. */
export async function encodeFrames(frames: readonly JsonFrame[]): Promise<readonly Buffer[]> {
  return membersOf(await convert(Buffer.from(JSON.stringify({ frames })), 'json', 'binpb'));
}

/** The same in the other direction; what protojson can not carry is left out. */
export async function decodeFrames(frames: readonly Buffer[]): Promise<readonly JsonFrame[]> {
  const members = frames.map((frame) => Buffer.concat([Buffer.from([0x0a]), varint(frame.length), frame]));
  const json = await convert(Buffer.concat(members), 'binpb', 'json');
  return (JSON.parse(json.toString()) as { frames: JsonFrame[] }).frames;
}

const FRAMES = `syntax = "proto3";
package frames;
import "sessionauthority/v1/session_service.proto";
message Frames { repeated sessionauthority.v1.WatchRevocationsResponse frames = 1; }
`;

async function convert(input: Buffer, from: string, to: string): Promise<Buffer> {
  const { path, remove } = temporaryFolder();
  try {
    cpSync(join(ROOT, 'proto'), path, { recursive: true });
    writeFileSync(join(path, 'frames.proto'), FRAMES);
    const [source, target] = [join(path, 'in'), join(path, 'out')];
    writeFileSync(source, input);
    const formats = ['--from', `${source}#format=${from}`, '--to', `${target}#format=${to}`];
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/buf'), [
      'convert',
      path,
      '--type',
      'frames.Frames',
      ...formats,
    ]);
    return readFileSync(target);
  } finally {
    remove();
  }
}

/** The frames within a message of that type, whose only field has the number 1. */
function membersOf(message: Buffer): readonly Buffer[] {
  const members: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    // Beyond the tag.
    at += 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at);
      at += 1;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    members.push(message.subarray(at, at + length));
    at += length;
  }
  return members;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) return Buffer.from(bytes);
  }
}

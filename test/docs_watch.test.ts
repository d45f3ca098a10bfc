import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FrameReader } from '../src/client/frame_reader.ts';
import { fieldsOf, type WatchReport } from '../src/cli/watch_report.ts';
import { loadSessionService } from '../src/wire/loader.ts';
import {
  type Decision,
  decodeFrames,
  encodeFrames,
  type JsonFrame,
  readVectors,
  ReferenceView,
  type VectorToken,
} from './client/vectors.ts';
import { temporaryFolder } from './harness.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/watch-protocol.md'), 'utf8');
const SAMPLES = [...TEXT.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));

type Tokens = Readonly<Record<string, VectorToken>>;

/** The view that the document shows. */
interface View {
  readonly cursor: string;
  readonly sessions: ReadonlyMap<string, { readonly minVersion: number; readonly forgetAt: number }>;
  readonly minima: ReadonlyMap<
    string,
    { readonly minimum: number; readonly except: string; readonly forgetAt: number }
  >;
  receive(frame: JsonFrame): void;
  forget(nowMs: number): void;
  decide(token: VectorToken): Decision;
}

/** What the example says that a view holds and decides. */
interface State {
  readonly decisions: Readonly<Record<string, Decision>>;
}

function decisionsOf(view: Pick<View, 'decide'>, tokens: Tokens): Record<string, Decision> {
  return Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, view.decide(token)]));
}

function stateOf(view: View, tokens: Tokens): unknown {
  const dated = <T extends { readonly forgetAt: number }>(entry: T) => ({
    ...entry,
    forgetAt: new Date(entry.forgetAt).toISOString(),
  });
  return {
    sessions: Object.fromEntries([...view.sessions].map(([id, entry]) => [id, dated(entry)])),
    minima: [...view.minima].map(([name, entry]) => [JSON.parse(name) as unknown, dated(entry)]),
    cursor: view.cursor,
    decisions: decisionsOf(view, tokens),
  };
}

describe('docs/watch-protocol.md', () => {
  let newView: (tenantIds?: readonly string[]) => View;
  const json = SAMPLES.filter(({ language }) => language === 'json').map(({ text }) => JSON.parse(text) as JsonFrame);

  before(async () => {
    const { path, remove } = temporaryFolder();
    writeFileSync(join(path, 'view.mjs'), SAMPLES.find(({ language }) => language === 'js')?.text ?? '');
    const { View } = (await import(pathToFileURL(join(path, 'view.mjs')).href)) as {
      View: new (tenantIds?: readonly string[]) => View;
    };
    newView = (tenantIds) => new View(tenantIds);
    remove();
  });

  it('has no other samples than those run here', () => {
    assert.deepEqual(
      SAMPLES.map(({ language }) => language),
      ['js', ...json.map(() => 'json')],
    );
  });

  it('shows a view that every vector agrees with', async () => {
    for (const [name, { tenant_ids, tokens, steps, now: begin }] of readVectors()) {
      const view = newView(tenant_ids);
      let now = begin;
      const frames = await decodeFrames(steps.map(({ binary }) => Buffer.from(binary, 'base64')));
      for (const [index, step] of steps.entries()) {
        view.receive(frames[index] ?? {});
        now = step.now ?? now;
        view.forget(Date.parse(now));
        assert.deepEqual(decisionsOf(view, tokens), step.decisions, `${name}: ${step.note}`);
        assert.equal(view.cursor, step.cursor, `${name}: ${step.note}`);
      }
    }
  });

  it('says what a view holds and decides after the frames of its example', async () => {
    const [tokens, ...rest] = json as [Tokens, ...JsonFrame[]];
    const frames = rest.filter((sample) => !('decisions' in sample));
    const encoded = await encodeFrames(frames);
    const [view, reference, reader] = [newView(), new ReferenceView([]), new FrameReader([])];
    const { responseDeserialize } = loadSessionService().WatchRevocations;
    for (const sample of rest) {
      if ('decisions' in sample) {
        assert.deepEqual(stateOf(view, tokens), sample);
        assert.deepEqual(decisionsOf(reference, tokens), (sample as unknown as State).decisions);
        assert.equal(reader.cursor.toString('base64'), view.cursor);
      } else {
        view.receive(sample);
        const bytes = encoded[frames.indexOf(sample)] ?? Buffer.alloc(0);
        reader.read(responseDeserialize(bytes), (event) => reference.apply(event));
      }
    }
  });

  it('names every event of watch --json with its members', () => {
    const revocation = {
      scope: { kind: 'global', minGeneration: 1 },
      discardTimeMs: null,
      reason: 'admin',
      revokeTimeMs: 0,
    } as const;
    const reports: readonly WatchReport[] = [
      { kind: 'opened', start: 'resumed', heartbeatMs: 1, maxAccessTokenTtlMs: 1, tenantIds: [] },
      { kind: 'reset', cause: 'lagged' },
      { kind: 'revocation', revocation, isSnapshot: false },
      { kind: 'snapshot_complete', count: 1 },
      { kind: 'unknown_scope' },
      { kind: 'checkpoint', stalenessMs: 1, ageMs: 1, asOfMs: 1 },
      { kind: 'stale', ageMs: 1 },
      { kind: 'fresh', ageMs: 1 },
      { kind: 'disconnected', reason: 'broken', text: '', retryMs: 1 },
      {
        kind: 'refused',
        refusal: { status: 'UNKNOWN', reason: '', message: '', text: '', violations: [], retryAfterMs: 0 },
      },
    ];
    const rows = /^\| `event` .*\n.*\n((?:\|.*\n)+)/m.exec(TEXT)?.[1]?.trimEnd().split('\n') ?? [];
    const named = rows.flatMap((row) => {
      const [events = '', members = ''] = row.slice(2, -2).split(' | ');
      // What is in parentheses are values.
      const names = [...members.replaceAll(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
      return events.split(', ').map((event) => [event.replaceAll('`', ''), names]);
    });
    const shown = reports.map((report) => [
      report.kind,
      Object.keys(fieldsOf(report)).filter((name) => name !== 'min_generation'),
    ]);
    assert.deepEqual(named, shown);
  });
});

import assert from 'node:assert/strict';
import { Connector } from '../../src/client/connection.ts';
import { FrameReader } from '../../src/client/frame_reader.ts';
import { RevocationStream } from '../../src/client/revocation_stream.ts';
import { loadSessionService } from '../../src/wire/loader.ts';
import { ScriptedService } from './scripted_service.ts';
import { type Decision, decodeFrames, encodeFrames, readVectors, ReferenceView, type Vector } from './vectors.ts';

const { WatchRevocations } = loadSessionService();

function decisionsOf(view: ReferenceView, { tokens }: Vector): Record<string, Decision> {
  return Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, view.decide(token)]));
}

describe('test vectors', () => {
  const vectors = readVectors();
  const frames = [...vectors.values()].flatMap(({ steps }) => steps);

  for (const [name, vector] of vectors) {
    it(`${name}: ${vector.subject}`, async () => {
      const reader = new FrameReader(vector.tenant_ids);
      const view = new ReferenceView(vector.tenant_ids);
      let { now } = vector;
      for (const step of vector.steps) {
        const frame = WatchRevocations.responseDeserialize(Buffer.from(step.binary, 'base64'));
        reader.read(frame, (event) => view.apply(event));
        now = step.now ?? now;
        await view.forget(Date.parse(now));
        assert.deepEqual(decisionsOf(view, vector), step.decisions, step.note);
        assert.equal(reader.cursor.toString('base64'), step.cursor, step.note);
      }
    });
  }

  it('have each frame in two forms that say the same', async () => {
    const both = frames.flatMap(({ frame, binary }) => (frame === undefined ? [] : [{ frame, binary }]));
    const encoded = await encodeFrames(both.map(({ frame }) => frame));
    assert.deepEqual(
      both.map(({ binary }) => binary),
      encoded.map((bytes) => bytes.toString('base64')),
    );
    assert.equal((await decodeFrames(frames.map(({ binary }) => Buffer.from(binary, 'base64')))).length, frames.length);
  });

  it('are understood alike where they come over a stream', async () => {
    const service = await ScriptedService.start();
    for (const [name, vector] of vectors) {
      const view = new ReferenceView(vector.tenant_ids);
      const options = { connector: new Connector({ target: `127.0.0.1:${service.port}` }) };
      const stream = new RevocationStream({ ...options, tenantIds: vector.tenant_ids, subscriberId: name }, (event) =>
        view.apply(event),
      );
      const first = await service.next();
      for (const { binary } of vector.steps) first.sendBytes(Buffer.from(binary, 'base64'));
      first.end();
      const { cursor } = (await service.next()).request;
      const last = vector.steps.at(-1);
      await view.forget(Date.parse(vector.steps.findLast(({ now }) => now !== undefined)?.now ?? vector.now));
      assert.deepEqual(decisionsOf(view, vector), last?.decisions, name);
      assert.equal(cursor.toString('base64'), last?.cursor, name);
      stream.close();
    }
    await service.stop();
  });
});

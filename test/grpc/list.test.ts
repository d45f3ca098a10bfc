import assert from 'node:assert/strict';
import type { Session__Output } from '../../src/wire/gen/sessionauthority/v1/Session.ts';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import { encode, type Request, RPCS, type SessionClient } from './client.ts';
import { assertInvalid, assertRefused, inParallel, ms, open, range, struct, unstruct } from './expect.ts';

type ListRequest = Request<'ListSessions'>;
const BAD_TOKEN = { status: 'INVALID_ARGUMENT', reason: 'INVALID_TOKEN_PARAMETER' };
const MIB = 1 << 20;

/** All pages; `each` sees the size in bytes and the number of sessions of every one. */
async function listAll(
  client: SessionClient,
  request: ListRequest,
  each: (bytes: number, sessions: number) => void = () => {},
) {
  const found: Session__Output[] = [];
  let pageToken = '';
  do {
    const bytes = await client.raw('ListSessions', encode('ListSessions', { ...request, pageToken }));
    const { sessions, nextPageToken } = RPCS.ListSessions.responseDeserialize(bytes);
    each(bytes.length, sessions.length);
    found.push(...sessions);
    pageToken = nextPageToken;
  } while (pageToken !== '');
  return found;
}

const idsOf = (sessions: readonly { sessionId: string }[]) => sessions.map(({ sessionId }) => sessionId);

onEachStore(
  'ListSessions',
  (server) => {
    it('lists newest first, a page at a time', async () => {
      const { client } = server();
      const opened: string[] = [];
      for (const _ of range(7)) {
        opened.unshift((await open(client, { userId: 'ann' })).session.sessionId);
        server().advance(1);
      }
      for (const pageSize of [1, 2, 3, 7, 8]) {
        const pages: number[] = [];
        const found = await listAll(client, { userId: 'ann', pageSize }, (_, sessions) => pages.push(sessions));
        assert.deepEqual(idsOf(found), opened, `pages of ${pageSize}`);
        assert.equal(pages.length, Math.ceil(7 / pageSize));
      }
    });

    it('gives 50 where no size is asked, and 200 at most', async () => {
      const { client } = server();
      await inParallel(range(201), 20, () => open(client, { userId: 'many' }));
      for (const [pageSize, length] of [
        [0, 50],
        [199, 199],
        [200, 200],
        [2_000_000_000, 200],
      ] as const) {
        const { sessions, nextPageToken } = await client.call('ListSessions', { userId: 'many', pageSize });
        assert.equal(sessions.length, length);
        assert.notEqual(nextPageToken, '');
      }
      await assertInvalid(client.call('ListSessions', { userId: 'many', pageSize: -1 }), 'page_size');
    });

    it('keeps sessions of one moment apart', async () => {
      const { client } = server();
      const opened = await inParallel(range(60), 60, () => open(client, { userId: 'burst' }));
      const found = await listAll(client, { userId: 'burst', pageSize: 7 });
      assert.deepEqual(idsOf(found).toSorted(), opened.map(({ session }) => session.sessionId).toSorted());
      const order = found.map((session) => [ms(session.createTime), session.sessionId] as const);
      const sorted = order.toSorted(([a, x], [b, y]) => b - a || (x < y ? 1 : -1));
      assert.deepEqual(order, sorted);
    });

    it('loses and repeats none while others come and go', async () => {
      const { client } = server();
      const opened = await inParallel(range(30), 10, () => open(client, { userId: 'busy' }));
      const first = await client.call('ListSessions', { userId: 'busy', pageSize: 10 });
      server().advance(5);
      await inParallel(range(10), 10, () => open(client, { userId: 'busy' }));
      // The very session that the page ended with.
      await client.call('RevokeSession', { session: { sessionId: first.sessions.at(-1)?.sessionId ?? '' } });
      const rest: string[] = [];
      for (let pageToken = first.nextPageToken; pageToken !== ''; ) {
        const page = await client.call('ListSessions', { userId: 'busy', pageSize: 10, pageToken });
        rest.push(...idsOf(page.sessions));
        pageToken = page.nextPageToken;
      }
      assert.deepEqual(
        [...idsOf(first.sessions), ...rest].toSorted(),
        opened.map(({ session }) => session.sessionId).toSorted(),
      );
    });

    it('filters by tenant, user, client, device and state', async () => {
      const { client } = server();
      const base = { tenantId: 'f', userId: 'ann', clientId: 'web', device: { deviceId: 'd' } };
      const mine = await open(client, base);
      const others = [{ tenantId: 'g' }, { userId: 'bob' }, { clientId: 'app' }, { device: { deviceId: 'e' } }];
      for (const other of others) await open(client, { ...base, ...other });
      const ended = await open(client, base);
      await client.call('RevokeSession', { tenantId: 'f', session: { sessionId: ended.session.sessionId } });
      const list = async (request: ListRequest) =>
        idsOf(await listAll(client, { tenantId: 'f', userId: 'ann', ...request }));
      assert.deepEqual(await list({ clientId: 'web', deviceId: 'd' }), [mine.session.sessionId]);
      assert.equal((await list({})).length, 3);
      assert.equal((await list({ clientId: 'web' })).length, 2);
      assert.equal((await list({ deviceId: 'd' })).length, 2);
      assert.deepEqual(await list({ states: ['SESSION_STATE_REVOKED'] }), [ended.session.sessionId]);
      assert.equal((await list({ states: ['SESSION_STATE_REVOKED', 'SESSION_STATE_ACTIVE'] })).length, 4);
      assert.deepEqual(await list({ states: ['SESSION_STATE_EXPIRED'] }), []);
      assert.deepEqual(await list({ userId: 'nobody' }), []);
    });

    it('shows data in the full view alone', async () => {
      const { client } = server();
      await open(client, { userId: 'view', data: struct({ a: [1, { b: null }] }), claims: struct({ r: 1 }) });
      for (const [view, data] of [
        ['SESSION_VIEW_UNSPECIFIED', null],
        ['SESSION_VIEW_BASIC', null],
        ['SESSION_VIEW_FULL', { a: [1, { b: null }] }],
      ] as const) {
        const { sessions } = await client.call('ListSessions', { userId: 'view', view });
        assert.deepEqual(unstruct(sessions[0]?.data ?? null), data);
        assert.deepEqual(unstruct(sessions[0]?.claims ?? null), { r: 1 });
      }
    });

    it('refuses a page token that was tampered with or is of another query', async () => {
      const { client } = server();
      const query: ListRequest = { tenantId: 'p', userId: 'ann', pageSize: 1 };
      for (const _ of range(3)) await open(client, { tenantId: 'p', userId: 'ann' });
      const { nextPageToken } = await client.call('ListSessions', query);
      const tampered = Array.from(
        nextPageToken,
        (character, at) => nextPageToken.slice(0, at) + (character === 'A' ? 'B' : 'A') + nextPageToken.slice(at + 1),
      );
      for (const pageToken of [
        ...tampered,
        'x',
        `${nextPageToken}=`,
        `${nextPageToken} `,
        nextPageToken.slice(1),
        'é'.repeat(40),
      ]) {
        await assertRefused(client.call('ListSessions', { ...query, pageToken }), BAD_TOKEN);
      }
      const others: ListRequest[] = [
        { tenantId: '' },
        { userId: 'bob' },
        { clientId: 'web' },
        { deviceId: 'd' },
        { states: ['SESSION_STATE_REVOKED'] },
        { states: ['SESSION_STATE_ACTIVE', 'SESSION_STATE_EXPIRED'] },
      ];
      for (const other of others) {
        await assertRefused(client.call('ListSessions', { ...query, ...other, pageToken: nextPageToken }), BAD_TOKEN);
      }
      // What changes neither which sessions there are nor their order may change.
      const next = await client.call('ListSessions', {
        ...query,
        pageSize: 2,
        view: 'SESSION_VIEW_FULL',
        states: ['SESSION_STATE_ACTIVE', 'SESSION_STATE_ACTIVE'],
        pageToken: nextPageToken,
      });
      assert.deepEqual([next.sessions.length, next.nextPageToken], [2, '']);
    });
  },
  { MAX_SESSIONS_PER_USER: '0' },
);

describe('500 sessions with data of 16 KiB', () => {
  let server: TestServer;
  /** Exactly what the limit lets pass, in the forms that cost most and least on the wire. */
  const contents = [
    { numbers: range(8185).map(() => 1) },
    { text: 'é'.repeat(8186) },
    { lists: range(5456).map(() => []) },
    { text: 'x'.repeat(16_373) },
  ];
  before(async () => {
    server = await startTestServer('sqlite', { MAX_SESSIONS_PER_USER: '0' });
    await inParallel(range(500), 20, (index) =>
      open(server.client, { userId: 'ann', data: struct(contents[index % 4] ?? {}) }),
    );
  });
  after(() => server.stop());

  it('come in messages below 1 MiB, and none is lost', async () => {
    for (const content of contents) {
      const size = JSON.stringify(content).length + (JSON.stringify(content).includes('é') ? 8186 : 0);
      assert(size > 16_370 && size <= 16_384, String(size));
    }
    const found = await listAll(
      server.client,
      { userId: 'ann', pageSize: 200, view: 'SESSION_VIEW_FULL' },
      (bytes, sessions) => {
        assert(bytes < MIB, `${bytes} bytes`);
        assert(sessions > 0);
      },
    );
    assert.equal(new Set(idsOf(found)).size, 500);
    assert.equal(found.length, 500);
    const members = found.map(({ data }) => Object.keys(data?.fields ?? {}).join());
    for (const member of ['numbers', 'lists']) assert.equal(members.filter((name) => name === member).length, 125);
    const basic = await listAll(server.client, { userId: 'ann', pageSize: 200 });
    assert.deepEqual(idsOf(basic), idsOf(found));
  });
});

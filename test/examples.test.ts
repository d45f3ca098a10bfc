import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import type { PairTokens } from '../src/client/client_answers.ts';
import { freePort, startService, type TestService } from './harness.ts';
import { type Answer, send } from './http_client.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');

const README = readFileSync(join(ROOT, 'examples/README.md'), 'utf8');

/** What fetch and forms of the app's own pages send along. */
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

describe('examples', () => {
  let service: TestService;
  const programs: ChildProcess[] = [];

  before(async () => {
    service = await startService({ STORE_URL: 'memory:' });
  });
  after(async () => {
    for (const program of programs) program.kill();
    await service.end();
  });

  /** Runs an example until it says where it listens. */
  const start = async (name: string): Promise<number> => {
    const port = await freePort();
    const { PATH } = process.env;
    const env = { PATH, AUTHORITY: `127.0.0.1:${service.grpcPort}`, PORT: String(port) };
    const program = spawn(process.execPath, [`dist/examples/${name}.js`], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    programs.push(program);
    const said = once(program.stdout, 'data').then(String);
    const ended = once(program, 'exit').then(() => assert.fail(`${name} ended`));
    assert.match(await Promise.race([said, ended]), new RegExp(`:${port}\n$`));
    return port;
  };

  it('are all shown by their README', () => {
    const files = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.ts'));
    const named = [...README.matchAll(/\]\((\w+\.ts)\)/g)].map(([, name]) => name);
    assert.deepEqual(new Set(named), new Set(files));
  });

  it('token_login and token_resource: log in, refresh, call, log out everywhere', async () => {
    const [login, resource] = await Promise.all([start('token_login'), start('token_resource')]);
    const post = (path: string, body: object, headers = {}) =>
      send(login, `POST ${path}`, { 'content-type': 'application/json', ...headers }, JSON.stringify(body));
    const call = ({ accessToken }: PairTokens) =>
      send(resource, 'GET /notes', { authorization: `Bearer ${accessToken}` });
    const tokensOf = ({ status, body }: Answer) => {
      assert.equal(status, 200, body);
      return JSON.parse(body) as PairTokens;
    };

    assert.equal((await send(resource, 'GET /notes')).status, 401);
    assert.equal((await post('/login', { user: 'alice', password: 'guess' })).status, 401);
    const first = tokensOf(await post('/login', { user: 'alice', password: 'wonderland' }));
    const second = tokensOf(await post('/refresh', first));
    const other = tokensOf(await post('/login', { user: 'alice', password: 'wonderland' }));
    const bob = tokensOf(await post('/login', { user: 'bob', password: 'builder' }));
    for (const tokens of [first, second, other]) {
      assert.deepEqual(JSON.parse((await call(tokens)).body), { notes: ['a note of alice'], role: 'reader' });
    }

    const out = await post('/log-out-everywhere', {}, { authorization: `Bearer ${second.accessToken}` });
    assert.equal(out.status, 204, out.body);
    for (const tokens of [first, second, other]) {
      const { headers } = await until(
        () => call(tokens),
        ({ status }) => status === 401,
      );
      assert.match(
        String(headers['www-authenticate']),
        /error="invalid_token", error_description="the session was revoked"/,
      );
    }
    assert.equal((await post('/refresh', second)).status, 401);
    assert.equal((await post('/refresh', { refreshToken: 'sar_nonsense' })).status, 401);
    assert.equal((await call(bob)).status, 200, 'others stay');
  });

  it('token_login and token_resource: the calls of the README', async () => {
    const [login, resource] = await Promise.all([start('token_login'), start('token_resource')]);
    const [, calls = ''] = [...README.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, text]) => text);
    const local = calls.replaceAll('3001', String(login)).replaceAll('3002', String(resource));
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', local]);
    assert.match(stdout, /^{"notes":\["a note of alice"\],"role":"reader"}/);
  });

  it('cookie_app: visit, log in, list devices, log out elsewhere, log out', async () => {
    const port = await start('cookie_app');
    const [laptop, phone] = [new Browser(port, 'laptop <1>'), new Browser(port, 'phone')];
    const form = { user: 'alice', password: 'wonderland' };

    assert.match((await laptop.get('/')).body, /Hello, stranger/);
    const anonymous = laptop.cookie;
    assert.match(anonymous, /^__Host-session=sas_/);
    await laptop.get('/');
    assert.equal(laptop.cookie, anonymous, 'a visitor keeps the session');
    assert.equal((await laptop.get('/devices')).headers.location, '/');

    assert.equal((await laptop.post('/login', { ...form, password: 'guess' })).status, 401);
    assert.equal((await laptop.post('/login', form, { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await laptop.post('/login', form)).status, 303);
    assert.notEqual(laptop.cookie, anonymous);
    assert.match((await laptop.get('/')).body, /Hello, alice/);
    assert.match((await new Browser(port, 'thief', anonymous).get('/')).body, /Hello, stranger/);

    await phone.post('/login', form);
    const { body } = await laptop.get('/devices');
    assert.match(body, /laptop &lt;1> \(this one\)[^]*/);
    assert.match(body, /<li>phone, last active/);

    assert.equal((await laptop.post('/log-out-elsewhere')).status, 303);
    await until(
      () => phone.get('/'),
      ({ body }) => body.includes('stranger'),
    );
    assert.doesNotMatch((await laptop.get('/devices')).body, /phone/);

    const held = laptop.cookie;
    assert.equal((await laptop.post('/log-out')).status, 303);
    assert.equal(laptop.cookie, '__Host-session=');
    await until(
      () => new Browser(port, 'thief', held).get('/'),
      ({ body }) => body.includes('stranger'),
    );
  });

  it("websocket: serves a session's sockets until it is revoked", async () => {
    const port = await start('websocket');
    const alice = await cookieOf(service, 'alice');
    const bob = await cookieOf(service, 'bob');
    const [one, two, other] = await Promise.all([open(port, alice), open(port, alice), open(port, bob)]);
    assert.equal(await echo(one, 'hello'), 'alice: hello');
    (await open(port, alice, 'http://localhost:3003')).terminate();

    const closed = [one, two].map((socket) => once(socket, 'close'));
    await service.client.call('RevokeSessions', { userId: 'alice' });
    for (const [code, reason] of await Promise.all(closed)) {
      assert.deepEqual([code, String(reason)], [4401, 'session revoked']);
    }
    assert.equal(await echo(other, 'still here'), 'bob: still here');
    other.terminate();

    await refused(open(port, alice), 401);
    await refused(open(port, ''), 401);
    await refused(open(port, bob, 'https://evil.example'), 403);
  });
});

/** Keeps the session cookie and nothing else. */
class Browser {
  cookie: string;
  readonly #port: number;
  readonly #name: string;

  constructor(port: number, name: string, cookie = '') {
    this.#port = port;
    this.#name = name;
    this.cookie = cookie;
  }

  get(path: string): Promise<Answer> {
    return this.#send(`GET ${path}`, {}, '');
  }

  post(path: string, form: Record<string, string> = {}, headers: Record<string, string> = OWN_PAGE): Promise<Answer> {
    const type = 'application/x-www-form-urlencoded';
    return this.#send(`POST ${path}`, { 'content-type': type, ...headers }, new URLSearchParams(form).toString());
  }

  async #send(line: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const own = { 'user-agent': this.#name, ...(this.cookie === '' ? {} : { cookie: this.cookie }) };
    const answer = await send(this.#port, line, { ...own, ...headers }, body);
    const [set] = answer.headers['set-cookie'] ?? [];
    if (set !== undefined) this.cookie = set.split(';')[0] ?? '';
    return answer;
  }
}

async function cookieOf(service: TestService, userId: string): Promise<string> {
  const { tokens } = await service.client.call('CreateSession', { userId, tokenMode: 'TOKEN_MODE_OPAQUE' });
  return `__Host-session=${tokens?.sessionToken}`;
}

/** A socket that a page of that origin opens, of the server's own unless told otherwise. */
async function open(port: number, cookie: string, origin = `http://127.0.0.1:${port}`): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { cookie }, origin });
  await once(socket, 'open');
  return socket;
}

function refused(opened: Promise<WebSocket>, status: number): Promise<void> {
  return assert.rejects(opened, { message: `Unexpected server response: ${status}` });
}

async function echo(socket: WebSocket, text: string): Promise<string> {
  socket.send(text);
  const [message] = (await once(socket, 'message')) as [Buffer];
  return message.toString();
}

/** Asks until the answer is as wanted; rejects after 30 s. */
async function until(ask: () => Promise<Answer>, isWanted: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) assert.fail(`never came: last ${answer.status} ${answer.body}`);
    await sleep(10);
  }
}

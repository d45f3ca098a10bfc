import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ReplyError } from 'ioredis';
import pg from 'pg';
import { ConfigError, type LogLevel } from '../../src/config.ts';
import { SessionError } from '../../src/error.ts';
import { createLog, type Log, type LogFields } from '../../src/telemetry/log.ts';

function recorded(level: LogLevel, act: (log: Log) => void): { text: string; lines: Record<string, unknown>[] } {
  let text = '';
  act(
    createLog(level, {
      write: (line) => {
        text += line;
      },
    }),
  );
  const lines = text.split('\n').filter((line) => line !== '');
  return { text, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** The logged form of what was thrown, and the whole text that it made. */
function loggedError(error: unknown): { text: string; logged: Record<string, unknown> } {
  const { text, lines } = recorded('info', (log) => log.error('failed', { error }));
  return { text, logged: lines[0]?.error as Record<string, unknown> };
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('createLog', () => {
  it('writes one JSON line per call: level, ISO time, fields, message', () => {
    const fields: Required<Omit<LogFields, 'error'>> = {
      rpc: 'CreateSession',
      task: 'sweep',
      store: 'sqlite',
      signal: 'SIGTERM',
      worker: 8,
      pid: 9,
      exitCode: 10,
      workers: 11,
      grpcPort: 50051,
      httpPort: 8080,
      expireTime: '2026-01-01T00:00:00.000Z',
      reason: 'logout',
      subscriberId: 'gateway-7',
      count: 3,
      sessions: 4,
      requests: 5,
      epochs: 6,
      logEntries: 7,
    };
    const { text, lines } = recorded('info', (log) => log.info('a "quoted" %s message', fields));
    assert(text.endsWith('\n'));
    const { time, ...rest } = lines[0] ?? {};
    assert.deepEqual(rest, { level: 'info', ...fields, msg: 'a "quoted" %s message' });
    assert.equal(new Date(String(time)).toISOString(), time);
    assert.deepEqual(Object.keys(lines[0] ?? {}).slice(0, 2), ['level', 'time']);
  });

  it('obeys its level', () => {
    const levels = (level: LogLevel) =>
      recorded(level, (log) => {
        for (const name of ['debug', 'info', 'warn', 'error', 'fatal'] as const) log[name](name);
      }).lines.map((line) => line.level);
    assert.deepEqual(levels('trace'), ['debug', 'info', 'warn', 'error', 'fatal']);
    assert.deepEqual(levels('warn'), ['warn', 'error', 'fatal']);
    assert.deepEqual(levels('silent'), []);
  });

  it('writes no field that is not on the list', () => {
    const wider = { rpc: 'GetSession', data: 'private', msg: 'other', level: 'other', headers: {}, claims: { a: 1 } };
    const { lines } = recorded('info', (log) => log.info('read', wider));
    assert.deepEqual(Object.keys(lines[0] ?? {}), ['level', 'time', 'rpc', 'msg']);
  });

  it('writes to stdout before the call returns', () => {
    const module = new URL('../../src/telemetry/log.js', import.meta.url).href;
    const script = `const { createLog } = await import(${JSON.stringify(module)});
      createLog('info').info('hello');
      process.kill(process.pid, 'SIGKILL');`;
    assert.throws(
      () => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' }),
      (error: { stdout: Buffer }) => (JSON.parse(error.stdout.toString()) as { msg: string }).msg === 'hello',
    );
  });
});

describe('redaction', () => {
  const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl-_c2lnbmF0dXJl';
  const REFRESH = 'sar_AAAAAAAAAAAAAAAAAAAAAA-_AAAAA';
  const OPAQUE = 'sas_BBBBBBBBBBBBBBBBBBBBBB-_BBBBB';

  it('finds tokens in any string', () => {
    const cause = new Error(`inner ${OPAQUE}`);
    const error = new Error(`outer\n${REFRESH}`, { cause });
    const { text, lines } = recorded('info', (log) => log.info(`message "${JWT}"`, { reason: `x=${REFRESH};`, error }));
    for (const token of [JWT, REFRESH, OPAQUE]) assert(!text.includes(token.slice(4, 16)), text);
    assert.equal(lines[0]?.msg, 'message "[redacted]"');
    assert.equal(lines[0]?.reason, 'x=[redacted];');
    assert.match(JSON.stringify(lines[0]?.error), /"message":"outer\\n\[redacted\]"/);
  });

  it('finds a JWT that was cut off', () => {
    const { text } = recorded('info', (log) => log.info(JWT.slice(0, 40)));
    assert(!text.includes('eyJ'), text);
  });

  it('leaves ordinary words alone', () => {
    const words = 'sar_ sas_x eyJ eyJhbGciOiJFUzI1NiJ9 sarcasm node.js 1.2.3';
    assert.equal(recorded('info', (log) => log.info(words)).lines[0]?.msg, words);
  });
});

describe('errors', () => {
  it('of the language keep name, message, frames and causes', () => {
    const { logged } = loggedError(new TypeError('no such thing', { cause: new RangeError('too far') }));
    assert.equal(logged.name, 'TypeError');
    assert.equal(logged.message, 'no such thing');
    assert.match(String(logged.stack), /^at .*log\.test\.[jt]s:\d+:\d+\)?\n/);
    assert(!String(logged.stack).includes('no such thing'));
    const { stack, ...cause } = logged.cause as Record<string, unknown>;
    assert.deepEqual(cause, { name: 'RangeError', message: 'too far' });
    assert.match(String(stack), /^at /);
  });

  it('of ours keep code and message, and what caused them', () => {
    const { logged } = loggedError(new SessionError('STORE_UNAVAILABLE', 'the store did not answer', { cause: 'x' }));
    const { stack: _stack, ...rest } = logged;
    const cause = { name: 'string' };
    assert.deepEqual(rest, {
      name: 'SessionError',
      code: 'STORE_UNAVAILABLE',
      message: 'the store did not answer',
      cause,
    });
    assert.equal(loggedError(new ConfigError(['A: b', 'C: d'])).logged.message, 'A: b\nC: d');
  });

  it('of the system keep their message', async () => {
    const error = await new Promise((resolve) => connect('/nowhere.sock').once('error', resolve));
    const { logged } = loggedError(error);
    assert.equal(logged.code, 'ENOENT');
    assert.equal(logged.message, 'connect ENOENT /nowhere.sock');
    assert(!('address' in logged));
    assert(error instanceof Error);
    error.message = `insert 'private' - ${error.message}`;
    assert(!loggedError(error).text.includes('private'));
    assert.match(String(loggedError(thrownBy(() => readFileSync('/nowhere'))).logged.message), /^ENOENT: no such file/);
  });

  it('of JSON.parse lose their message, which repeats the text', () => {
    const { logged, text } = loggedError(thrownBy(() => JSON.parse('private')));
    assert.equal(logged.name, 'SyntaxError');
    assert(!('message' in logged) && !text.includes('private'));
  });

  it('of drivers keep name and code alone', () => {
    const postgres = new pg.DatabaseError('duplicate key value "private"', 1, 'error');
    Object.assign(postgres, { code: '23505', detail: 'Key (user_id)=(private) already exists.', where: 'private' });
    const redis = Object.assign(new ReplyError('ERR private'), { command: { name: 'set', args: ['private'] } });
    const sqlite = Object.assign(new Error('insert private: UNIQUE'), { code: 'ERR_SQLITE_ERROR', errstr: 'private' });
    const argument = thrownBy(() => Buffer.alloc('private' as unknown as number));
    for (const [error, name, code] of [
      [postgres, 'error', '23505'],
      [redis, 'ReplyError', undefined],
      [sqlite, 'Error', 'ERR_SQLITE_ERROR'],
      [argument, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      const { text, logged } = loggedError(new SessionError('STORE_UNAVAILABLE', 'no answer', { cause: error }));
      const { stack: _stack, ...cause } = logged.cause as Record<string, unknown>;
      assert.deepEqual(cause, code === undefined ? { name } : { name, code });
      assert(!text.includes('private'), text);
    }
  });

  it('hide no value in a name or a code', () => {
    const error = Object.assign(new Error('x'), { name: 'user private', code: { value: 'private' } });
    const { text, logged } = loggedError(error);
    assert.equal(logged.name, 'Error');
    assert(!text.includes('private'), text);
  });

  it('keep no line of a message for a frame, be it written like one', () => {
    const { text, logged } = loggedError(
      Object.assign(new Error('x\n    at private (file:///a.js:1:1)'), { code: '23505' }),
    );
    assert(!text.includes('private'), text);
    assert.match(String(logged.stack), /^at .*log\.test\.[jt]s:/);
    const changed = new Error('x\n    at private');
    changed.message = 'another';
    assert(!loggedError(changed).text.includes('private'));
  });

  it('without frames are written without a stack', () => {
    for (const stack of ['Error: private', '', undefined, 1]) {
      const { text, logged } = loggedError(Object.assign(new Error('x'), { stack }));
      assert.deepEqual(logged, { name: 'Error', message: 'x' });
      assert(!text.includes('private'), text);
    }
  });

  it('end a chain of causes after four, and a circle with it', () => {
    const circle = new Error('again');
    circle.cause = circle;
    const depth = loggedError(circle).text.split('"name":"Error"').length - 1;
    assert.equal(depth, 5);
  });

  it('that are none show only their type', () => {
    for (const [thrown, name] of [
      ['private', 'string'],
      [{ private: 1 }, 'object'],
      [null, 'null'],
    ] as const) {
      const { text, logged } = loggedError(thrown);
      assert.deepEqual(logged, { name });
      assert(!text.includes('private'));
    }
  });
});

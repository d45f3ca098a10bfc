import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { parse } from 'yaml';
import { CONFIG_VARIABLES, readConfig } from '../src/config.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { type Env, startTestServer, temporaryFolder } from './harness.ts';

/** The part of a service that is looked at here; the rest is the Compose specification's. */
interface Service {
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[] | string;
  readonly environment: Env;
  readonly ports?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const ROOT = fileURLToPath(new URL('.', import.meta.resolve('#root/package.json')));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const run = promisify(execFile);

const DOCKERFILE = DockerfileParser.parse(read('Dockerfile'));
const INSTRUCTIONS = DOCKERFILE.getInstructions();
const LAST_STAGE = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex((each) => each.getKeyword() === 'FROM'));
const IMAGE_ENV: Env = Object.fromEntries(
  DOCKERFILE.getENVs().flatMap((env) => env.getProperties().map((each) => [each.getName(), each.getValue() ?? ''])),
);
const EXPOSED = valuesOf(lastOf('EXPOSE')).map(Number);
const COMPOSE = parse(read('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
};
/** Those that run the image of the Dockerfile. */
const OURS = Object.values(COMPOSE.services).filter(({ build }) => build !== undefined);

function service(name: string): Service {
  const found = COMPOSE.services[name];
  assert(found, `there is no service ${name}`);
  return found;
}

/** The image has the last one of each alone. */
function lastOf(keyword: string): Instruction {
  const found = LAST_STAGE.findLast((each) => each.getKeyword() === keyword);
  assert(found, `the last stage has no ${keyword}`);
  return found;
}

function valuesOf(instruction: Instruction): string[] {
  return instruction.getArguments().map((argument) => argument.getValue());
}

/** A command that no shell reads. */
function commandOf(keyword: string): string[] {
  const [, list = ''] = /(\[.*\])$/.exec(lastOf(keyword).getArgumentsContent() ?? '') ?? [];
  return JSON.parse(list) as string[];
}

/** What is copied from the repository, or from the stage of that name, as paths from the root of either. */
function copied(stage?: string): string[] {
  const copies = DOCKERFILE.getCOPYs().filter((copy) => copy.getFromFlag()?.getValue() === stage);
  const sources = copies.flatMap((copy) => valuesOf(copy).slice(0, -1));
  return sources.map((source) => source.replace(/^\/app\//, ''));
}

/** As Compose fills in what a value takes from its environment. */
function filledIn(values: Env, env: Env): Env {
  const fill = (text: string) => text.replaceAll(/\$\{(\w+)(:\?[^}]+)?\}/g, (_, name: string) => env[name] ?? '');
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, fill(text)]));
}

/** Runs the service until it says that it serves, and returns whether it did. */
async function serves(program: string, options: { readonly cwd: string; readonly env: Env }): Promise<boolean> {
  const service = spawn(process.execPath, [program, 'serve'], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(service, 'exit');
  try {
    for await (const line of createInterface(service.stdout)) if (line.includes('"serving"')) return true;
    return false;
  } finally {
    service.kill('SIGTERM');
    await ended;
  }
}

describe('Dockerfile', () => {
  it('copies from the repository what .dockerignore lets in, no more and no less', () => {
    const [, all, ...allowed] = read('.dockerignore').trimEnd().split('\n');
    assert.equal(all, '*');
    assert.deepEqual(new Set(allowed), new Set(copied().map((source) => `!${source}`)));
    for (const source of copied()) assert(existsSync(join(ROOT, source)), source);
  });

  it('runs the command line as a user without privileges, with no shell between', () => {
    assert.deepEqual(valuesOf(lastOf('USER')), ['node']);
    assert.deepEqual([commandOf('ENTRYPOINT'), commandOf('CMD')], [['node', 'dist/src/main.js'], ['serve']]);
  });

  it('listens where its network reaches it, on the ports that it exposes', () => {
    const { grpcAddress, httpAddress } = readConfig({ ...IMAGE_ENV, INSECURE: 'true' });
    assert.deepEqual([grpcAddress.host, httpAddress.host], ['0.0.0.0', '0.0.0.0']);
    assert.deepEqual([grpcAddress.port, httpAddress.port], EXPOSED);
  });

  it('knows by its health check whether the service lives', async () => {
    const [node, ...args] = commandOf('HEALTHCHECK');
    assert.equal(node, 'node');
    const server = await startTestServer();
    const env = { HTTP_ADDRESS: new URL(server.httpUrl('/')).host.replace('127.0.0.1', '0.0.0.0') };
    try {
      await run(process.execPath, args, { env });
    } finally {
      await server.stop();
    }
    await assert.rejects(run(process.execPath, args, { env }), { code: 1 });
  });

  it('ends in a stage that has all files the program looks up', async () => {
    const folder = temporaryFolder();
    try {
      for (const name of copied('build')) {
        // A link to the rest would lead the program back to the repository.
        const [from, to] = [join(ROOT, name), join(folder.path, name)];
        if (name === 'node_modules') symlinkSync(from, to);
        else cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.ts') });
      }
      const program = join(folder.path, 'dist/src/main.js');
      const env = { STORE_URL: 'sqlite:data/sessions.db', GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0' };
      const { stdout } = await run(process.execPath, [program, 'migrate', 'up'], { cwd: folder.path, env });
      assert.match(stdout, /^applied \d{14}_create_sessions$/m);
      assert(await serves(program, { cwd: folder.path, env }));
    } finally {
      folder.remove();
    }
  });
});

describe('compose.yaml', () => {
  it('gives the service no variable that it does not read', () => {
    const known = new Set(CONFIG_VARIABLES.map(({ name }) => name));
    const given = OURS.flatMap(({ environment }) => Object.keys(environment));
    assert.deepEqual(
      given.filter((name) => !known.has(name)),
      [],
    );
  });

  it('has no secret of its own, and names what to set where one is missing', () => {
    const text = read('compose.yaml');
    for (const name of ['MASTER_KEY', 'STORE_PASSWORD'])
      assert.match(text, new RegExp(`\\$\\{${name}:\\?set it to .+\\}`));
    const secrets = [...text.matchAll(/(?:PASSWORD|MASTER_KEY|REDISCLI_AUTH): (.+)/g)].map(([, value = '']) => value);
    for (const value of secrets) assert.match(value, /^\$\{(STORE_PASSWORD|MASTER_KEY)(:\?.+)?\}$/);
    for (const [, value = ''] of text.matchAll(/(?:requirepass|masterauth) (\S+)/g))
      assert.equal(value, '${STORE_PASSWORD}');
  });

  it('leads each service to its store, with settings that it takes', () => {
    const outside = { MASTER_KEY: generateMasterKey().toString('base64'), STORE_PASSWORD: 'a1b2' };
    const configOf = (name: string) => readConfig({ ...IMAGE_ENV, ...filledIn(service(name).environment, outside) });
    const { POSTGRES_USER: user = '' } = service('postgres').environment;
    const { store, masterKey } = configOf('session-authority');
    assert(store.kind === 'postgres');
    assert.deepEqual([store.user, store.password, store.database], [user, 'a1b2', user]);
    assert.deepEqual([store.hosts, masterKey.kind], [[{ host: 'postgres', port: 5432 }], 'value']);
    for (const [name, kind, host] of [
      ['on-redis', 'redis', 'redis'],
      ['on-sentinel', 'redis-sentinel', 'sentinel'],
      ['on-cluster', 'redis-cluster', 'node'],
    ] as const) {
      const { store: redis } = configOf(name);
      assert(redis.kind === kind);
      assert.deepEqual([redis.password, redis.nodes.map((node) => node.host)], ['a1b2', [host]]);
      assert(service(host));
    }
  });

  it('starts one store alone, and evicts nothing from any', () => {
    for (const [name, { profiles = [], command }] of Object.entries(COMPOSE.services)) {
      const isOfPostgres = ['session-authority', 'postgres', 'migrate'].includes(name);
      assert.equal(profiles.length, isOfPostgres ? 0 : 1, name);
      if (String(command).startsWith('redis-server')) assert.match(String(command), /--maxmemory-policy noeviction/);
    }
  });

  it('opens the ports of the image on the loopback of the host alone', () => {
    const ports = EXPOSED.map((port) => `127.0.0.1:${port}:${port}`);
    for (const { ports: opened } of Object.values(COMPOSE.services)) assert.deepEqual(opened ?? ports, ports);
  });

  it('migrates a database that answers, then serves', () => {
    const { command, environment, depends_on: first } = service('migrate');
    assert(service('postgres').healthcheck);
    assert.deepEqual([command, first?.['postgres']?.condition], [['migrate', 'up'], 'service_healthy']);
    assert.equal(environment['STORE_URL'], service('session-authority').environment['STORE_URL']);
    const { migrate } = service('session-authority').depends_on ?? {};
    assert.equal(migrate?.condition, 'service_completed_successfully');
  });
});

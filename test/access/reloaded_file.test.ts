import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReloadedFiles } from '../../src/access/reloaded_file.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { temporaryFolder } from '../harness.ts';
import { runProgram, until } from '../servers/process.ts';

describe('reloaded files', () => {
  const folder = temporaryFolder();
  const [left, right] = [join(folder.path, 'left'), join(folder.path, 'right')];
  const files = [
    { variable: 'LEFT_FILE', path: left },
    { variable: 'RIGHT_FILE', path: right },
  ];
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => lines.push(line) });
  const open: ReloadedFiles<string>[] = [];
  beforeEach(() => {
    rmSync(folder.path, { recursive: true, force: true });
    mkdirSync(folder.path);
    lines.length = 0;
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  after(folder.remove);

  /** The two must be alike. */
  const parse = ([a, b]: readonly Buffer[]) => {
    if (String(a) !== String(b)) throw new Error('LEFT_FILE: does not match RIGHT_FILE');
    return String(a);
  };
  const write = (value: string) => {
    for (const path of [left, right]) writeFileSync(path, value);
  };
  const reload = () => {
    const reloaded = new ReloadedFiles({ files, parse }, log);
    open.push(reloaded);
    const seen: string[] = [];
    reloaded.onChange((value) => seen.push(value));
    return { reloaded, seen };
  };
  const warnings = () => lines.filter((line) => line.includes('not taken'));

  it('throws at once what is missing or does not parse', () => {
    assert.throws(reload, /^Error: LEFT_FILE: can not read .*left \(ENOENT\); give a file/);
    writeFileSync(left, 'a');
    assert.throws(reload, /^Error: RIGHT_FILE: can not read/);
    writeFileSync(right, 'b');
    assert.throws(reload, /does not match/);
  });

  it('tells of each new value, however a file is replaced', async () => {
    const target = (value: string) => {
      mkdirSync(join(folder.path, value));
      for (const name of ['left', 'right']) writeFileSync(join(folder.path, value, name), value);
      symlinkSync(value, join(folder.path, 'next'));
      renameSync(join(folder.path, 'next'), join(folder.path, 'data'));
    };
    target('one');
    for (const name of ['left', 'right']) symlinkSync(join('data', name), join(folder.path, name));
    const { reloaded, seen } = reload();
    assert.equal(reloaded.value, 'one');
    target('two');
    await until('the link is followed', async () => reloaded.value === 'two');
    rmSync(left);
    rmSync(right);
    write('three');
    await until('the new files are read', async () => reloaded.value === 'three');
    write('four!');
    await until('the same files are read', async () => reloaded.value === 'four!');
    assert.deepEqual(seen, ['two', 'three', 'four!']);
    assert.deepEqual(warnings(), []);
  });

  it('keeps the last good value, and warns once of what is broken', async () => {
    write('good');
    const { reloaded, seen } = reload();
    writeFileSync(right, 'c4n4ry');
    await until('it is said', async () => warnings().length === 1);
    rmSync(left);
    await until('that it is gone is said too', async () => warnings().length === 2);
    // Longer than it takes to say it again.
    await new Promise((resolve) => setTimeout(resolve, 3500));
    assert.equal(warnings().length, 2);
    assert.equal(reloaded.value, 'good');
    assert(!lines.join('').includes('c4n4ry'));
    write('better');
    await until('it is good again', async () => reloaded.value === 'better');
    assert.deepEqual(seen, ['better']);
    assert.match(warnings()[0] ?? '', /LEFT_FILE, RIGHT_FILE.*does not match/);
  });

  it('takes files that are written one after the other as one change', async () => {
    write('one');
    const { reloaded, seen } = reload();
    // A pipe is read no sooner than something is written to it, so that nothing here depends on time.
    const pipes = ['left pipe', 'right pipe'].map((name) => join(folder.path, name)) as [string, string];
    await runProgram('mkfifo', pipes);
    renameSync(pipes[0], left);
    renameSync(pipes[1], right);
    const reading = async (a: string, b: string) => {
      await writeFile(left, a);
      await writeFile(right, b);
    };
    await reading('two', 'one');
    await reading('two', 'two');
    await reading('two', 'two');
    await writeFile(left, 'two');
    reloaded.close();
    await writeFile(right, 'two');
    assert.deepEqual(seen, ['two']);
    assert.deepEqual(warnings(), []);
  });
});

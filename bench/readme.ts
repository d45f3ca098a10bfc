import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Results } from './main.ts';
import { markdownTable, withTable } from './table.ts';

/** Puts what was measured last into the README: what has a bar, and on which machine that was. */
const README = fileURLToPath(import.meta.resolve('#root/README.md'));
const FILES = ['#root/bench/results.json', '#root/bench/results-scale.json'];

const [first, ...others] = FILES.map((file) => fileURLToPath(import.meta.resolve(file)))
  .filter((path) => existsSync(path))
  .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Results);
if (first === undefined) throw new Error('nothing was measured yet: run make bench');
const { machine, versions } = first;
const about = `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${versions['node']}:`;
const results = [first, ...others].flatMap((measured) => measured.results);
const table = markdownTable(results.filter(({ bar }) => bar !== null));
writeFileSync(README, withTable(readFileSync(README, 'utf8'), `${about}\n\n${table}`));

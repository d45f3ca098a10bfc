import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Results } from './main.ts';
import { markdownTable, withTable } from './table.ts';

/** Puts what was measured last into the README: what has a floor and a bar, and on which machine that was. */
const README = fileURLToPath(import.meta.resolve('#root/README.md'));
const RESULTS = fileURLToPath(import.meta.resolve('#root/bench/results.json'));

const { machine, versions, results } = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
const about = `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${versions['node']}:`;
const table = markdownTable(results.filter(({ bar }) => bar !== null));
writeFileSync(README, withTable(readFileSync(README, 'utf8'), `${about}\n\n${table}`));

import type { Result } from './measure.ts';

const COLUMNS = ['name', 'value', 'unit', 'floor', 'ratio', 'spread', 'bar', 'met'] as const;

/** For a terminal. */
export function textTable(results: readonly Result[]): string {
  const rows = [COLUMNS, ...results.map(cells)];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** For Markdown: what there is to compare. */
export function markdownTable(results: readonly Result[]): string {
  const head = ['| name | ours | floor | ratio | bar |', '| --- | --: | --: | --: | --: |'];
  return [...head, ...results.map((result) => `| ${comparedCells(result).join(' | ')} |`)].join('\n');
}

function comparedCells({ name, value, unit, floor, ratio, bar, met }: Result): string[] {
  const measured = (count: number | null) => (count === null ? '-' : `${number(count)} ${unit}`.trimEnd());
  const wanted = ratio === null ? `≤ ${measured(bar)}` : `≥ ${number(bar ?? 0)}`;
  const asked = bar === null ? '-' : `${wanted}${met === true ? '' : ', **missed**'}`;
  return [name, measured(value), measured(floor), ratio === null ? '-' : number(ratio), asked];
}

function cells(result: Result): string[] {
  return COLUMNS.map((column) => {
    const value = result[column];
    if (value === null) return '-';
    if (typeof value === 'boolean') return value ? 'yes' : 'NO';
    if (typeof value === 'object') return value.map(number).join(' to ');
    return typeof value === 'string' ? value : number(value);
  });
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

const BEGIN = '<!-- benchmark: written by `make bench-readme` -->';
const END = '<!-- end of the benchmark -->';

/** The text with a table in place of the one between its two marks. */
export function withTable(text: string, table: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`the text has no "${BEGIN}" with an "${END}" after it`);
  return `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${text.slice(to)}`;
}

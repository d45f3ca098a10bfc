/** A line through points; neither coordinate is negative, and y is above 0, as x is on a logarithmic scale. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A drawing of lines, y on a logarithmic scale. */
export interface Plot {
  readonly title: string;
  /** What the axes show. */
  readonly x: string;
  readonly y: string;
  /** Whether x is on a logarithmic scale too, by powers of ten; false where unset. */
  readonly isLogX?: boolean;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [720, 420];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 112, 40, 48];

/** Told apart by whoever sees no colours too: lines are named at their ends. */
const COLORS = ['#0b5fa5', '#4a9bd9', '#8a4b08', '#d08b3c', '#3f7d20', '#7a3f8f'];

const TICKS = [1, 2, 5];
/** At most so many. */
const X_STEPS = 8;
const LABEL_HEIGHT = 14;

/** As SVG, which is readable on light and dark ground alike. */
export function plot({ title, x, y, isLogX = false, series }: Plot): string {
  const points = series.flatMap((line) => line.points);
  const xs = points.map((point) => point.x);
  const { ticks: xTicks, shareOf } = isLogX ? powersOfTen(xs) : evenSteps(xs);
  const [leastY, mostY] = [
    tickBelow(Math.min(...points.map((p) => p.y))),
    tickAbove(Math.max(...points.map((p) => p.y))),
  ];
  const toX = (value: number) => LEFT + shareOf(value) * (WIDTH - LEFT - RIGHT);
  const heightOf = (value: number) => Math.log(value / leastY) / Math.log(mostY / leastY);
  const toY = (value: number) => HEIGHT - BOTTOM - heightOf(value) * (HEIGHT - TOP - BOTTOM);
  const labelYs = apart(series.map(({ points }) => toY(points.at(-1)?.y ?? leastY)));
  const lines = series.map(({ name, points }, index) => {
    const color = COLORS[index % COLORS.length];
    const path = points.map((point) => `${toX(point.x).toFixed(1)},${toY(point.y).toFixed(1)}`).join(' ');
    const end = toX(points.at(-1)?.x ?? 0) + 8;
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>
${text(end, (labelYs[index] ?? 0) + 4, name, 'start', color)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${text(LEFT, 24, title, 'start')}
${xTicks.map((value) => grid(toX(value), TOP, toX(value), HEIGHT - BOTTOM) + text(toX(value), HEIGHT - BOTTOM + 18, number(value), 'middle')).join('\n')}
${ticksBetween(leastY, mostY)
  .map(
    (value) => grid(LEFT, toY(value), WIDTH - RIGHT, toY(value)) + text(LEFT - 8, toY(value) + 4, number(value), 'end'),
  )
  .join('\n')}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x, 'middle')}
${text(LEFT - 8, TOP - 10, y, 'end')}
${lines.join('\n')}
</svg>
`;
}

function text(x: number, y: number, content: string, anchor: string, color = '#333'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${color}">${escaped}</text>`;
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  const [from, to] = [`x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}"`, `x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"`];
  return `<line ${from} ${to} stroke="#ddd"/>`;
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

interface Scale {
  readonly ticks: readonly number[];
  /** How far along the axis a value is: 0 to 1. */
  readonly shareOf: (value: number) => number;
}

/** From 0 on. */
function evenSteps(values: readonly number[]): Scale {
  const most = Math.max(...values);
  const step = tickAbove(most / X_STEPS);
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => step * index);
  return { ticks, shareOf: (value) => value / (ticks.at(-1) ?? 1) };
}

/** From the one below the least value to the one above the greatest. */
function powersOfTen(values: readonly number[]): Scale {
  const [least, most] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const ticks = Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));
  return { ticks, shareOf: (value) => (Math.log10(value) - least) / (most - least) };
}

/** Ticks are 1, 2 or 5 times a power of ten. */
function tickAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (TICKS.find((tick) => tick * power >= value) ?? 10) * power;
}

function tickBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (TICKS.findLast((tick) => tick * power <= value) ?? 1) * power;
}

function ticksBetween(least: number, most: number): number[] {
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
    ticks.push(...TICKS.map((tick) => tick * power).filter((tick) => tick >= least * 0.999 && tick <= most * 1.001));
  }
  return ticks;
}

/** Heights of labels, moved down where they would lie over one another. */
function apart(heights: readonly number[]): number[] {
  const placed = [...heights];
  const order = heights.map((_, index) => index).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  let next = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    placed[index] = Math.max(heights[index] ?? 0, next);
    next = (placed[index] ?? 0) + LABEL_HEIGHT;
  }
  return placed;
}

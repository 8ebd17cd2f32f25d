/**
 * Quality against time as a picture. In: a precision report. Out: an SVG: one mark a contestant, numbered, with the list beside it. Law:
 * it needs no fonts, scripts or styles from outside; text of models and files is escaped.
 */
import type { ContestantReport, PrecisionReport } from "./measure.ts";

const WIDTH = 1040;
const ROW = 19;
const PLOT = { left: 72, top: 84, width: 520 };
const LIST = PLOT.left + PLOT.width + 40;
/** Right edges of the list's numbers, px from its left, and characters of a name that fit before them. */
const COLUMNS = { time: 312, flips: 372, name: 32 };
const INK = "#1f2933";
const FAINT = "#9aa5b1";
const GRID = "#e4e7eb";
/** Colour-blind safe (Okabe and Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
/** Room for a number beside its mark, px: nearer numbers are moved apart. */
const LABEL = { width: 20, height: 14 };

interface Mark {
  readonly number: number;
  readonly name: string;
  readonly time: number;
  readonly flips: number;
  readonly colour: string;
  readonly fixed: boolean;
}

export function precisionChart(report: PrecisionReport): string {
  const marks = marksOf(report.contestants);
  const height = Math.max(340, marks.length * ROW + 40);
  const times = marks.map(({ time }) => time);
  const x = scale([Math.min(0.9, ...times) - 0.05, Math.max(1.1, ...times) + 0.05], [PLOT.left, PLOT.left + PLOT.width]);
  const y = scale([0, Math.max(1, ...marks.map(({ flips }) => flips)) * 1.16], [PLOT.top + height, PLOT.top]);
  const total = PLOT.top + height + 64;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" width="${WIDTH}" height="${total}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(PLOT.left, 34, `${report.model}: what precision costs and what it keeps`, 'font-size="18" font-weight="600"'),
    text(
      PLOT.left,
      56,
      `${report.turns} turns, ${report.tokens} sampled tokens; lower left is better. Time: a whole turn, median of the quotients with ${report.baseline}.`,
      `fill="#52606d"`,
    ),
    ...axes(x, y, height, report.baseline),
    ...drawn(marks, x, y),
    ...marks.flatMap((mark, i) => listed(mark, PLOT.top + 30 + i * ROW)),
    text(LIST + COLUMNS.time, PLOT.top + 8, "time", 'text-anchor="end" fill="#52606d"'),
    text(LIST + COLUMNS.flips, PLOT.top + 8, "flips", 'text-anchor="end" fill="#52606d"'),
    "</svg>",
    "",
  ].join("\n");
}

/** Flips of the likeliest token inside calls, per 1000. */
function marksOf(contestants: readonly ContestantReport[]): Mark[] {
  const precisions = [...new Set(contestants.map(({ precision }) => precision))];
  return contestants.map(({ name, precision, turnMs, classes: { calls }, steps }, i) => ({
    number: i + 1,
    name,
    time: turnMs.ratio,
    flips: calls === undefined ? 0 : (1000 * calls.flips) / calls.tokens,
    colour: COLOURS[precisions.indexOf(precision) % COLOURS.length]!,
    fixed: steps === null,
  }));
}

type Scale = (value: number) => number;

function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale & { readonly ticks: number[] } {
  const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((size) => (high - low) / size <= 9) ?? 500;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return Object.assign((value: number) => from + ((value - low) / (high - low)) * (to - from), { ticks });
}

function axes(x: ReturnType<typeof scale>, y: ReturnType<typeof scale>, height: number, baseline: string): string[] {
  const bottom = PLOT.top + height;
  const right = PLOT.left + PLOT.width;
  return [
    ...y.ticks.flatMap((tick) => [
      line(PLOT.left, y(tick), right, y(tick), GRID),
      text(PLOT.left - 10, y(tick) + 4, short(tick), 'text-anchor="end" fill="#52606d"'),
    ]),
    ...x.ticks.flatMap((tick) => [
      line(x(tick), bottom, x(tick), bottom + 5, FAINT),
      text(x(tick), bottom + 21, `${short(tick)}×`, 'text-anchor="middle" fill="#52606d"'),
    ]),
    line(x(1), PLOT.top, x(1), bottom, FAINT, 'stroke-dasharray="4 4"'),
    line(PLOT.left, bottom, right, bottom, FAINT),
    text(PLOT.left + PLOT.width / 2, bottom + 46, `time of a turn, ${baseline} = 1`, 'text-anchor="middle"'),
    text(PLOT.left, PLOT.top - 8, "flips against float32 inside calls, per 1000 tokens", ""),
  ];
}

/** Marks, then their numbers: each at the first place around its mark that no other number has. */
function drawn(marks: readonly Mark[], x: Scale, y: Scale): string[] {
  const taken: { x: number; y: number }[] = marks.map(({ time, flips }) => ({ x: x(time), y: y(flips) }));
  const free = (at: { x: number; y: number }, own: number): boolean =>
    taken.every((other, i) => i === own || Math.abs(other.x - at.x) >= LABEL.width || Math.abs(other.y - at.y) >= LABEL.height);
  const numbers = marks.map((mark, own) => {
    const [cx, cy] = [x(mark.time), y(mark.flips)];
    const places = [1, 2, 3, 4].flatMap((ring) =>
      [0, -1, 1, -2, 2].flatMap((up) => [1, -1].map((side) => ({ x: cx + side * 19 * ring, y: cy + up * 13 }))),
    );
    const place = places.find((at) => free(at, own)) ?? places[0]!;
    taken.push(place);
    const far = Math.hypot(place.x - cx, place.y - cy) > 24;
    return [
      ...(far ? [line(cx, cy, place.x, place.y, FAINT, 'stroke-width="0.7"')] : []),
      text(place.x, place.y + 4, String(mark.number), `text-anchor="middle" font-size="11" fill="${mark.colour}" font-weight="600"`),
    ].join("");
  });
  return [...numbers, ...marks.map((mark) => symbol(mark, x(mark.time), y(mark.flips)))];
}

/** Fixed precision is a square, a precision that is chosen step by step a circle. */
function symbol({ fixed, colour }: Mark, cx: number, cy: number): string {
  return fixed
    ? `<rect x="${round(cx - 6)}" y="${round(cy - 6)}" width="12" height="12" fill="${colour}" stroke="white"/>`
    : `<circle cx="${round(cx)}" cy="${round(cy)}" r="5.5" fill="${colour}" stroke="white"/>`;
}

function listed(mark: Mark, y: number): string[] {
  return [
    symbol(mark, LIST, y - 4),
    text(LIST + 28, y, String(mark.number), 'text-anchor="end"'),
    text(LIST + 38, y, shortened(mark.name), ""),
    text(LIST + COLUMNS.time, y, `${mark.time.toFixed(2)}×`, 'text-anchor="end"'),
    text(LIST + COLUMNS.flips, y, mark.flips.toFixed(1), 'text-anchor="end"'),
  ];
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, more = ""): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}" ${more}/>`;
}

function text(x: number, y: number, words: string, more: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replace(/[&<>"'\p{Cc}]/gu, (character) => `&#${character.codePointAt(0)! < 32 ? 0xfffd : character.codePointAt(0)};`);
}

function shortened(name: string): string {
  return name.length <= COLUMNS.name ? name : `${name.slice(0, COLUMNS.name - 1)}…`;
}

const round = (value: number): string => value.toFixed(1);
const short = (value: number): string => String(Number(value.toFixed(2)));

/**
 * A chart as an SVG picture. In: a machine, and perhaps the path of a run. Out: text of an SVG file. Law: it needs nothing from outside,
 * is legible on light and dark pages, and text of the chart is escaped.
 */
import type { AnyStateMachine } from "xstate";
import { chartGraph, type Line } from "./chart-graph.ts";
import type { Point } from "./layered.ts";
import { BASELINE, layout, LINE_HEIGHT, PADDING, type PlacedArrow, type PlacedBox } from "./layout.ts";
import { Marks } from "./marks.ts";
import type { RunPath } from "./run-path.ts";
import { FONT } from "./text-size.ts";

export interface SvgOptions {
  /** Levels of states that are drawn; what lies deeper is folded into its parent. Default: all. */
  readonly depth?: number;
  /** The path of a run, from {@link runPath}: what it took is marked and numbered, the rest fades. */
  readonly path?: RunPath;
}

/** @example await writeFile("chart.svg", toSvg(agent.machine)) */
export function toSvg(machine: AnyStateMachine, { depth, path }: SvgOptions = {}): string {
  const graph = chartGraph(machine, depth === undefined ? {} : { depth });
  const marks = path && new Marks(path, graph);
  const root = layout(marks?.counted(graph) ?? graph);
  const [width, height] = [Math.ceil(root.width), Math.ceil(root.height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(root.name)}</title>`,
    `<style>${STYLE}</style>`,
    MARKERS,
    `<rect class="page" width="100%" height="100%"/>`,
    ...inside(root, 0, marks),
    "</svg>",
    "",
  ].join("\n");
}

function inside({ boxes, arrows }: PlacedBox, depth: number, marks: Marks | undefined): string[] {
  return [
    ...boxes.flatMap((box) => drawn(box, depth, marks)),
    ...arrows.map((arrow) => line(arrow, marks)),
    ...arrows.flatMap((arrow) => label(arrow, depth, marks)),
  ];
}

function drawn(box: PlacedBox, depth: number, marks: Marks | undefined): string[] {
  const { x, y, width, height, kind, name, lines } = box;
  if (kind === "start") return [`<circle class="start" cx="${n(x)}" cy="${n(y)}" r="6"/>`];
  const [left, top] = [x - width / 2, y - height / 2];
  const compound = box.boxes.length > 0;
  const css = [kind, compound ? `level${depth % 2}` : "leaf", marked(marks?.entered(box)), marks?.isEnd(box) ? "end" : ""];
  const rectangle = (inset: number, name: string): string =>
    `<rect class="${name}" x="${n(left + inset)}" y="${n(top + inset)}" width="${n(width - 2 * inset)}" height="${n(height - 2 * inset)}" rx="${kind === "anywhere" ? n(height / 2 - inset) : Math.max(2, (compound ? 10 : 7) - inset)}"/>`;
  const head = compound ? { x: left + PADDING.x, anchor: "" } : { x, anchor: ' text-anchor="middle"' };
  return [
    `<g class="box ${css.filter(Boolean).join(" ")}">`,
    rectangle(0, "frame"),
    ...(kind === "final" ? [rectangle(3, "inner")] : []),
    `<text class="title" x="${n(head.x)}" y="${n(top + BASELINE.title)}"${head.anchor}>${escaped(name)}</text>`,
    ...lines.map((each, i) => {
      const text = `${each.move ? "▸ " : "  "}${each.text}`;
      return `<text class="${textClass(each, marks)}" x="${n(left + PADDING.x)}" y="${n(top + BASELINE.title + BASELINE.lines + i * LINE_HEIGHT)}" xml:space="preserve">${escaped(text)}</text>`;
    }),
    "</g>",
    ...inside(box, depth + 1, marks),
  ];
}

function line(arrow: PlacedArrow, marks: Marks | undefined): string {
  const taken = marks?.taken(arrow) ?? false;
  const move = arrow.lines.some((each) => each.move);
  const css = ["arrow", move ? "move" : "", marked(marks && taken)].filter(Boolean).join(" ");
  const [start, ...rest] = arrow.path;
  const pieces: string[] = [];
  for (let i = 0; i < rest.length; i += 3)
    pieces.push(
      `C${rest
        .slice(i, i + 3)
        .map(pair)
        .join(" ")}`,
    );
  return `<path class="${css}" d="M${pair(start!)}${pieces.join("")}" marker-end="url(#tip${taken ? "-taken" : move ? "-move" : ""})"/>`;
}

function label({ lines, label: centre, size, path: points }: PlacedArrow, depth: number, marks: Marks | undefined): string[] {
  const numbers = marks?.numbers(lines) ?? "";
  if (!centre || !size) return numbers === "" ? [] : [badge(numbers, middleOf(points))];
  const shown = lines.filter(({ text }) => text !== "");
  const [left, top] = [centre.x - size.width / 2, centre.y - size.height / 2];
  return [
    `<rect class="label level${(depth + 1) % 2}" x="${n(left)}" y="${n(top)}" width="${n(size.width)}" height="${n(size.height)}" rx="4"/>`,
    ...shown.map((each, i) => {
      const y = top + 3 + 11 + i * LINE_HEIGHT;
      return `<text class="${textClass(each, marks)}" x="${n(centre.x)}" y="${n(y)}" text-anchor="middle">${escaped(each.text)}</text>`;
    }),
    ...(numbers === "" ? [] : [badge(numbers, { x: centre.x, y: top - 7 })]),
  ];
}

function textClass(each: Line, marks: Marks | undefined): string {
  return ["line", each.move ? "move" : "", marked(marks && each.keys.length > 0 ? marks.times(each) > 0 : undefined)]
    .filter(Boolean)
    .join(" ");
}

/** Where a run is shown, what it took stands out and the rest fades. */
function marked(taken: boolean | undefined): string {
  return taken === undefined ? "" : taken ? "taken" : "faded";
}

/** Of a path, between its middle points. */
function middleOf(points: readonly Point[]): Point {
  const piece = Math.floor((points.length - 1) / 6) * 3;
  const [a, b] = [points[piece]!, points[piece + 3]!];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

/** When an arrow was taken. */
function badge(numbers: string, { x, y }: Point): string {
  const width = numbers.length * 6 + 10;
  return `<g class="badge"><rect x="${n(x - width / 2)}" y="${n(y - 8)}" width="${width}" height="15" rx="7.5"/><text x="${n(x)}" y="${n(y + 3.5)}" text-anchor="middle">${numbers}</text></g>`;
}

function pair({ x, y }: Point): string {
  return `${n(x)},${n(y)}`;
}

/** One decimal is a tenth of a pixel. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Characters that XML cannot hold vanish. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

const MARKERS = ["tip", "tip-move", "tip-taken"]
  .map(
    (id) =>
      `<marker id="${id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="${id}" d="M0,0.8 L10,5 L0,9.2 z"/></marker>`,
  )
  .join("");

interface Palette {
  readonly page: string;
  readonly levels: readonly [string, string];
  readonly box: string;
  readonly deciding: string;
  readonly edge: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly move: string;
  readonly taken: string;
  readonly takenBox: string;
}

const LIGHT: Palette = {
  page: "#ffffff",
  levels: ["#f6f8fa", "#ffffff"],
  box: "#ffffff",
  deciding: "#eef4ff",
  edge: "#c4ccd6",
  ink: "#1f2933",
  faint: "#5b6875",
  line: "#8b98a5",
  move: "#1d5fd0",
  taken: "#c2410c",
  takenBox: "#fff4ec",
};

const DARK: Palette = {
  page: "#0d1117",
  levels: ["#151b23", "#0d1117"],
  box: "#1c232d",
  deciding: "#16263f",
  edge: "#3d4753",
  ink: "#e6edf3",
  faint: "#9aa7b4",
  line: "#6b7785",
  move: "#79b0ff",
  taken: "#fb923c",
  takenBox: "#33211a",
};

/** Classes with plain colours: custom properties are not known to every program that shows SVG. */
function colours(p: Palette): string {
  return [
    `.page{fill:${p.page}}`,
    `.frame{fill:${p.box};stroke:${p.edge}}`,
    `.level0>.frame,.label.level0{fill:${p.levels[1]}}.level0>.frame{fill:${p.levels[0]}}`,
    `.level1>.frame{fill:${p.levels[1]}}`,
    `.label.level0{fill:${p.levels[0]}}.label.level1{fill:${p.page}}`,
    `.deciding>.frame{fill:${p.deciding};stroke:${p.move}}`,
    `.anywhere>.frame{fill:none;stroke:${p.line}}`,
    `.inner{stroke:${p.edge}}`,
    `.start{fill:${p.ink}}`,
    `.title{fill:${p.ink}}`,
    `.line{fill:${p.faint}}.line.move{fill:${p.move}}`,
    `.arrow{stroke:${p.line}}.arrow.move{stroke:${p.move}}.tip{fill:${p.line}}.tip-move{fill:${p.move}}`,
    `.taken>.frame{stroke:${p.taken}}.leaf.taken>.frame{fill:${p.takenBox}}`,
    `.arrow.taken{stroke:${p.taken}}.tip-taken{fill:${p.taken}}.line.taken{fill:${p.taken}}`,
    `.badge rect{fill:${p.taken}}.badge text{fill:${p.page}}`,
  ].join("");
}

const STYLE = [
  `.title{font-family:${FONT.title.family};font-size:${FONT.title.size}px;font-weight:600}`,
  `.line{font-family:${FONT.label.family};font-size:${FONT.label.size}px}`,
  `.badge text{font-family:${FONT.title.family};font-size:10px;font-weight:600}`,
  ".frame,.inner{stroke-width:1.2}.inner{fill:none}.arrow{fill:none;stroke-width:1.4}",
  ".anywhere>.frame{stroke-dasharray:4 3}.deciding>.frame{stroke-width:1.6}",
  ".box.faded>*,.arrow.faded,text.faded{opacity:.5}.box.faded>text.faded{opacity:.5}.arrow.taken{stroke-width:2.2}.end>.frame{stroke-width:3}",
  colours(LIGHT),
  `@media (prefers-color-scheme:dark){${colours(DARK)}}`,
].join("");

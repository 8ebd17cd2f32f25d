/**
 * Where everything of a chart stands. In: boxes within boxes, and arrows. Out: the same with positions, in pixels from the upper left
 * corner of the picture. Law: each level is laid out by itself, and its arrows run down or to the right, whichever makes the whole
 * picture fit a page better.
 */
import type { Arrow, Box, Line } from "./chart-graph.ts";
import { layered, type Layered, type Point, type Size } from "./layered.ts";
import { FONT, labelWidth, titleWidth } from "./text-size.ts";

export interface PlacedBox extends Omit<Box, "boxes" | "arrows">, Point, Size {
  readonly boxes: readonly PlacedBox[];
  readonly arrows: readonly PlacedArrow[];
}

export interface PlacedArrow extends Arrow {
  /** A start, then two control points and an end for each cubic piece. */
  readonly path: readonly Point[];
  /** The middle of its label. */
  readonly label: Point | undefined;
  readonly size: Size | undefined;
}

export const LINE_HEIGHT = 15;
/** Of a box: around its text, above its inside (the title), around its inside. */
export const PADDING = { x: 14, y: 9, title: 30, inside: 18 };
/** Titles, and between them and the first line. */
const TITLE = 17;
const LINES_BELOW_TITLE = 4;
const LABEL = { x: 6, y: 3 };
/** Width by height that pictures are made for. */
const PAGE = 1.5;

type Direction = "down" | "right";

/** A laid out level before its place in the picture is known. */
interface Laid extends Size {
  readonly box: Box;
  readonly inside:
    | {
        readonly level: Layered;
        readonly direction: Direction;
        readonly boxes: readonly Laid[];
        readonly labels: readonly (Size | undefined)[];
      }
    | undefined;
}

export function layout(root: Box): PlacedBox {
  const directions: readonly Direction[] = ["down", "right"];
  const tried = directions.flatMap((outer) => directions.map((inner) => laidOut(root, 0, [outer, inner])));
  const fits = ({ width, height }: Size): number => Math.max(width / PAGE, height);
  const best = tried.reduce((a, b) => (fits(b) < fits(a) ? b : a));
  return placed(best, { x: 0, y: 0 });
}

function laidOut(box: Box, depth: number, directions: readonly [Direction, Direction]): Laid {
  if (box.boxes.length === 0) return { box, ...leafSize(box), inside: undefined };
  const direction = directions[Math.min(depth, 1)]!;
  const boxes = box.boxes.map((each) => laidOut(each, depth + 1, directions));
  const labels = box.arrows.map(({ lines }) => labelSize(lines));
  const index = new Map(box.boxes.map(({ id }, i) => [id, i]));
  const wires = box.arrows.map(({ from, to }, i) => ({
    from: index.get(from)!,
    to: index.get(to)!,
    label: labels[i] && turned(labels[i], direction),
  }));
  const level = layered(
    boxes.map((each) => turned(each, direction)),
    wires,
  );
  const { width, height } = turned(level, direction);
  const title = depth === 0 ? { width: 0, height: 0 } : headSize(box);
  return {
    box,
    width: Math.max(width + 2 * PADDING.inside, title.width + 2 * PADDING.x),
    height: height + title.height + (depth === 0 ? 2 : 1) * PADDING.inside + (depth === 0 ? 0 : PADDING.y),
    inside: { level, direction, boxes, labels },
  };
}

function placed({ box, inside, width, height }: Laid, corner: Point): PlacedBox {
  const { boxes: _boxes, arrows: _arrows, ...rest } = box;
  const own = { ...rest, width, height, x: corner.x + width / 2, y: corner.y + height / 2 };
  if (!inside) return { ...own, boxes: [], arrows: [] };
  const { level, direction, boxes, labels } = inside;
  const size = turned(level, direction);
  const origin = { x: corner.x + (width - size.width) / 2, y: corner.y + height - PADDING.inside - size.height };
  const at = (point: Point): Point => {
    const { x, y } = direction === "down" ? point : { x: point.y, y: point.x };
    return { x: origin.x + x, y: origin.y + y };
  };
  return {
    ...own,
    boxes: boxes.map((each, i) => {
      const centre = at(level.boxes[i]!);
      return placed(each, { x: centre.x - each.width / 2, y: centre.y - each.height / 2 });
    }),
    arrows: box.arrows.map((arrow, i) => {
      const { path, label } = level.wires[i]!;
      return { ...arrow, path: path.map(at), label: label && at(label), size: labels[i] };
    }),
  };
}

/** For a level whose arrows run to the right, width and height change places. */
function turned<S extends Size>({ width, height }: S, direction: Direction): Size {
  return direction === "down" ? { width, height } : { width: height, height: width };
}

function leafSize(box: Box): Size {
  if (box.kind === "start") return { width: 12, height: 12 };
  const { width, height } = headSize(box);
  return { width: Math.max(64, width + 2 * PADDING.x), height: height + 2 * PADDING.y };
}

/** Title and lines. */
function headSize({ name, lines }: Box): Size {
  const width = Math.max(titleWidth(name), ...lines.map(({ text }) => labelWidth(text) + 14));
  return { width, height: TITLE + (lines.length > 0 ? LINES_BELOW_TITLE + lines.length * LINE_HEIGHT : 0) };
}

function labelSize(lines: readonly Line[]): Size | undefined {
  const shown = lines.filter(({ text }) => text !== "");
  if (shown.length === 0) return undefined;
  return { width: Math.max(...shown.map(({ text }) => labelWidth(text))) + 2 * LABEL.x, height: shown.length * LINE_HEIGHT + 2 * LABEL.y };
}

/** Baseline of a title below the upper edge of its box, and of the first line below that. */
export const BASELINE = { title: PADDING.y + FONT.title.size, lines: LINES_BELOW_TITLE + LINE_HEIGHT };

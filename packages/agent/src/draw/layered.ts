/**
 * Boxes and arrows in layers (Sugiyama): arrows run down, labels have a layer of their own and cross nothing. In: sizes of boxes, arrows
 * between them with sizes of labels. Out: centres of boxes and labels, and a Bézier path for each arrow. Law: the same graph gives the
 * same picture; nothing overlaps.
 */
import { ordered } from "./order.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Wire {
  readonly from: number;
  readonly to: number;
  /** Of its label; undefined: it has none. */
  readonly label?: Size | undefined;
}

export interface Layered extends Size {
  readonly boxes: readonly Point[];
  readonly wires: readonly {
    /** A start, then two control points and an end for each cubic piece; in the direction of the arrow. */
    readonly path: readonly Point[];
    readonly label: Point | undefined;
  }[];
}

/** What stands in a layer: a box, or a place where an arrow passes, which may be that of its label. */
export interface Item extends Size {
  readonly layer: number;
  /** Items of the layer above and below that it is joined with. */
  readonly up: number[];
  readonly down: number[];
  /** Of a passing place, how many layers its arrow spans; 0: a box. */
  readonly span: number;
}

const GAP = { box: 34, passing: 18, layer: 20, port: 22 };

export function layered(boxes: readonly Size[], wires: readonly Wire[]): Layered {
  const directed = acyclic(boxes.length, wires);
  const layers = layersOf(boxes.length, directed);
  const items: Item[] = boxes.map(({ width, height }, i) => ({ width, height, layer: layers[i]!, up: [], down: [], span: 0 }));
  const chains = directed.map((wire) => chain(items, wire));
  const rows = ordered(items);
  const x = columns(items, rows);
  const passings = chains.map(({ through }) => through.slice(1, -1));
  for (let pass = 0; pass < 3; pass++) {
    if (pass > 0) follow(items, rows, x);
    for (const passing of passings) straighten(passing, { items, rows, x });
  }
  const left = Math.min(...items.map((item, i) => x[i]! - item.width / 2));
  for (const i of x.keys()) x[i]! -= left;
  const tops: number[] = [];
  const heights = rows.map((row) => Math.max(0, ...row.map((i) => items[i]!.height)));
  heights.reduce((y, height, layer) => ((tops[layer] = y), y + height + GAP.layer), 0);
  const placed = items.map(({ layer }, i): Point => ({ x: x[i]!, y: tops[layer]! + heights[layer]! / 2 }));
  const ports = portsOf(items, chains, x);
  return {
    width: Math.max(0, ...items.map((item, i) => x[i]! + item.width / 2)),
    height: Math.max(0, (tops.at(-1) ?? 0) + (heights.at(-1) ?? 0)),
    boxes: placed.slice(0, boxes.length),
    wires: chains.map(({ through, label, reversed }, wire) => {
      const path = pathOf(through, { items, placed, tops, heights, ports: ports[wire]! });
      return { path: reversed ? path.toReversed() : path, label: label === undefined ? undefined : placed[label] };
    }),
  };
}

interface Directed extends Wire {
  /** Drawn from its target to its source, since it closes a circle. */
  readonly reversed: boolean;
}

/** Arrows that lead back, seen from the first box on, are turned round. */
function acyclic(count: number, wires: readonly Wire[]): Directed[] {
  const state = Array.from({ length: count }, () => "new" as "new" | "open" | "done");
  const back = new Set<Wire>();
  const visit = (box: number): void => {
    state[box] = "open";
    for (const wire of wires) {
      if (wire.from !== box) continue;
      if (state[wire.to] === "open") back.add(wire);
      else if (state[wire.to] === "new") visit(wire.to);
    }
    state[box] = "done";
  };
  for (let box = 0; box < count; box++) if (state[box] === "new") visit(box);
  return wires.map((wire) => (back.has(wire) ? { ...wire, from: wire.to, to: wire.from, reversed: true } : { ...wire, reversed: false }));
}

/** As high as possible; then boxes with more arrows out than in come down to those they lead to. */
function layersOf(count: number, wires: readonly Directed[]): number[] {
  const layer = Array.from({ length: count }, () => 0);
  const length = ({ label }: Wire): number => (label ? 2 : 1);
  for (let pass = 0; pass < count; pass++)
    for (const wire of wires) layer[wire.to] = Math.max(layer[wire.to]!, layer[wire.from]! + length(wire));
  for (let pass = 0; pass < 2; pass++)
    for (let box = count - 1; box >= 0; box--) {
      const out = wires.filter(({ from }) => from === box);
      const into = wires.filter(({ to }) => to === box);
      if (out.length <= into.length) continue;
      const lowest = Math.min(...out.map((wire) => layer[wire.to]! - length(wire)));
      layer[box] = Math.max(layer[box]!, lowest);
    }
  const used = [...new Set(layer)].sort((a, b) => a - b);
  return used[0] === undefined ? layer : layer.map((each) => each - used[0]!);
}

interface Chain {
  /** From the upper box to the lower one. */
  readonly through: readonly number[];
  readonly label: number | undefined;
  readonly reversed: boolean;
}

/** Passing places in all layers between two boxes; the middle one has the label's size. */
function chain(items: Item[], { from, to, label, reversed }: Directed): Chain {
  const [first, last] = [items[from]!.layer, items[to]!.layer];
  const middle = Math.floor((first + last) / 2);
  const through = [from];
  let labelled: number | undefined;
  for (let layer = first + 1; layer < last; layer++) {
    const carries = label !== undefined && layer === middle;
    items.push({ width: carries ? label.width : 0, height: carries ? label.height : 0, layer, up: [], down: [], span: last - first });
    if (carries) labelled = items.length - 1;
    through.push(items.length - 1);
  }
  through.push(to);
  for (let i = 1; i < through.length; i++) {
    items[through[i - 1]!]!.down.push(through[i]!);
    items[through[i]!]!.up.push(through[i - 1]!);
  }
  return { through, label: labelled, reversed };
}

/** Where along the upper or lower side of its box an arrow begins and ends, relative to the centre. */
function portsOf(items: readonly Item[], chains: readonly Chain[], x: readonly number[]): { start: number; end: number }[] {
  const ports = chains.map(() => ({ start: 0, end: 0 }));
  for (let box = 0; box < items.length; box++)
    for (const side of ["start", "end"] as const) {
      const here = chains
        .map(({ through }, wire) => ({
          wire,
          box: side === "start" ? through[0] : through.at(-1),
          next: side === "start" ? through[1]! : through.at(-2)!,
        }))
        .filter((end) => end.box === box)
        .sort((a, b) => x[a.next]! - x[b.next]! || a.wire - b.wire);
      const room = Math.min(GAP.port * (here.length - 1), items[box]!.width * 0.7);
      for (const [i, { wire }] of here.entries()) ports[wire]![side] = here.length > 1 ? (i / (here.length - 1) - 0.5) * room : 0;
    }
  return ports;
}

interface Placing {
  readonly items: readonly Item[];
  readonly placed: readonly Point[];
  readonly tops: readonly number[];
  readonly heights: readonly number[];
  readonly ports: { readonly start: number; readonly end: number };
}

/** Straight within a layer, an S between two. */
function pathOf(through: readonly number[], { items, placed, tops, heights, ports }: Placing): Point[] {
  const points: Point[] = [];
  for (const [i, item] of through.entries()) {
    const { layer, height } = items[item]!;
    const { x, y } = placed[item]!;
    const top = tops[layer]!;
    const bottom = top + heights[layer]!;
    if (i === 0) points.push({ x: x + ports.start, y: y + height / 2 }, { x: x + ports.start, y: bottom });
    else if (i === through.length - 1) points.push({ x: x + ports.end, y: top }, { x: x + ports.end, y: y - height / 2 });
    else points.push({ x, y: top }, { x, y: bottom });
  }
  const near = (a: number | undefined, b: number | undefined): boolean => a !== undefined && b !== undefined && Math.abs(a - b) < 0.01;
  const bends = points.filter(({ x }, i) => !(near(x, points[i - 1]?.x) && near(x, points[i + 1]?.x)));
  const path = bends.slice(0, 1);
  for (const [i, b] of bends.entries()) {
    const a = bends[i - 1];
    if (!a || (near(a.x, b.x) && near(a.y, b.y))) continue; // a piece without length has no direction, and a tip would have none
    const half = (a.y + b.y) / 2;
    path.push({ x: a.x, y: half }, { x: b.x, y: half }, b);
  }
  return path;
}

type Rows = readonly (readonly number[])[];

/** Centres along the layers: near those they are joined with, in order, with gaps. */
function columns(items: readonly Item[], rows: Rows): number[] {
  const x = items.map(() => 0);
  for (const row of rows) row.reduce((at, item) => ((x[item] = at + items[item]!.width / 2), at + items[item]!.width + GAP.box), 0);
  for (let pass = 0; pass < 24; pass++) {
    for (const row of rows) settle(row, { items, x, towards: ({ up, down }) => (pass < 8 ? up : [...up, ...down]) });
    for (const row of rows.toReversed()) settle(row, { items, x, towards: ({ up, down }) => (pass < 8 ? down : [...up, ...down]) });
  }
  return x;
}

/** Boxes go to where their arrows have come to lie, which stay. */
function follow(items: readonly Item[], rows: Rows, x: number[]): void {
  for (const row of rows) settle(row, { items, x, towards: ({ up, down, span }) => (span > 0 ? [] : [...up, ...down]), stay: 1000 });
}

interface Settling {
  readonly items: readonly Item[];
  readonly x: number[];
  readonly towards: (item: Item) => readonly number[];
  /** The weight with which a passing place stays where it is. */
  readonly stay?: number;
}

function settle(row: readonly number[], { items, x, towards, stay = 0.01 }: Settling): void {
  const wishes = row.map((index) => {
    const item = items[index]!;
    let weight = item.span > 0 ? stay : 0.01;
    let sum = weight * x[index]!;
    for (const other of towards(item)) {
      const pull = pullOf(item, items[other]!);
      weight += pull;
      sum += pull * x[other]!;
    }
    return { at: sum / weight, weight };
  });
  const gaps = row.slice(1).map((index, i) => gapOf(items[row[i]!]!, items[index]!));
  for (const [i, at] of spread(wishes, gaps).entries()) x[row[i]!] = at;
}

function gapOf(a: Item, b: Item): number {
  return (a.width + b.width) / 2 + (a.span > 0 || b.span > 0 ? GAP.passing : GAP.box);
}

/** A long arrow is straight in itself, and a short one draws its boxes together. */
function pullOf(a: Item, b: Item): number {
  const span = Math.max(a.span, b.span);
  return a.span > 0 && b.span > 0 ? 8 : span > 0 ? 8 / span : 4;
}

/** Passing places of one arrow stand in as few columns as the room between their neighbours allows. */
function straighten(
  passing: readonly number[],
  { items, rows, x }: { readonly items: readonly Item[]; readonly rows: Rows; readonly x: number[] },
): void {
  const roomOf = (index: number): [number, number] => {
    const row = rows[items[index]!.layer]!;
    const place = row.indexOf(index);
    const [left, right] = [row[place - 1], row[place + 1]];
    return [
      left === undefined ? -Infinity : x[left]! + gapOf(items[left]!, items[index]!),
      right === undefined ? Infinity : x[right]! - gapOf(items[index]!, items[right]!),
    ];
  };
  for (let first = 0; first < passing.length;) {
    let [low, high] = roomOf(passing[first]!);
    let last = first;
    for (; last + 1 < passing.length; last++) {
      const [left, right] = roomOf(passing[last + 1]!);
      if (Math.max(low, left) > Math.min(high, right)) break;
      [low, high] = [Math.max(low, left), Math.min(high, right)];
    }
    const same = passing.slice(first, last + 1);
    const mean = same.reduce((sum, index) => sum + x[index]!, 0) / same.length;
    for (const index of same) x[index] = Math.min(Math.max(mean, low), high);
    first = last + 1;
  }
}

/** Nearest to the wishes, by weighted squares, with each at least a gap behind the one before: pool adjacent violators. */
export function spread(wishes: readonly { readonly at: number; readonly weight: number }[], gaps: readonly number[]): number[] {
  const offsets = [0];
  for (const gap of gaps) offsets.push(offsets.at(-1)! + gap);
  const pools: { sum: number; weight: number; count: number }[] = [];
  for (const [i, { at, weight }] of wishes.entries()) {
    let pool = { sum: weight * (at - offsets[i]!), weight, count: 1 };
    for (let last = pools.at(-1); last && last.sum / last.weight > pool.sum / pool.weight; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: last.sum + pool.sum, weight: last.weight + pool.weight, count: last.count + pool.count };
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, weight, count }) => Array.from({ length: count }, () => sum / weight)).map((at, i) => at + offsets[i]!);
}

import fc from "fast-check";
import { layered, spread, type Layered, type Point, type Size, type Wire } from "./layered.ts";

const graph = fc.integer({ min: 2, max: 9 }).chain((count) => {
  const side = fc.integer({ min: 5, max: 200 });
  const size = fc.record({ width: side, height: side });
  const box = fc.integer({ min: 0, max: count - 1 });
  const wire = fc.record({ from: box, to: box, label: fc.option(size, { nil: undefined }) }).filter(({ from, to }) => from !== to);
  return fc.record({ boxes: fc.array(size, { minLength: count, maxLength: count }), wires: fc.array(wire, { maxLength: 16 }) });
});

interface Rectangle extends Point, Size {}

const overlap = (a: Rectangle, b: Rectangle) =>
  Math.abs(a.x - b.x) < (a.width + b.width) / 2 - 0.001 && Math.abs(a.y - b.y) < (a.height + b.height) / 2 - 0.001;

function rectangles({ boxes, wires }: { boxes: Size[]; wires: Wire[] }, laid: Layered): Rectangle[] {
  return [
    ...boxes.map((size, i) => ({ ...size, ...laid.boxes[i]! })),
    ...wires.flatMap(({ label }, i) => (label ? [{ ...label, ...laid.wires[i]!.label! }] : [])),
  ];
}

test("boxes and labels stand apart and within the picture", () => {
  fc.assert(
    fc.property(graph, (given) => {
      const laid = layered(given.boxes, given.wires);
      const all = rectangles(given, laid);
      for (const [i, a] of all.entries()) {
        expect(a.x - a.width / 2).toBeGreaterThanOrEqual(-0.001);
        expect(a.x + a.width / 2).toBeLessThanOrEqual(laid.width + 0.001);
        expect(a.y + a.height / 2).toBeLessThanOrEqual(laid.height + 0.001);
        for (const b of all.slice(i + 1)) expect(overlap(a, b)).toBe(false);
      }
    }),
  );
});

test("an arrow begins and ends at its boxes, in its direction, and passes no other box", () => {
  fc.assert(
    fc.property(graph, (given) => {
      const laid = layered(given.boxes, given.wires);
      const boxes = given.boxes.map((size, i) => ({ ...size, ...laid.boxes[i]! }));
      for (const [i, { from, to }] of given.wires.entries()) {
        const { path } = laid.wires[i]!;
        expect(path.length % 3).toBe(1);
        for (const [point, box] of [
          [path[0]!, boxes[from]!],
          [path.at(-1)!, boxes[to]!],
        ] as const) {
          expect(Math.abs(Math.abs(point.y - box.y) - box.height / 2)).toBeLessThan(0.001);
          expect(Math.abs(point.x - box.x)).toBeLessThanOrEqual(box.width / 2);
        }
        for (const point of path.filter((_, at) => at % 3 === 0))
          for (const [other, box] of boxes.entries())
            if (other !== from && other !== to) expect(overlap({ ...point, width: 0, height: 0 }, box)).toBe(false);
      }
    }),
  );
});

test("a circle of two boxes is drawn with both arrows, neither through the other's label", () => {
  const label = { width: 60, height: 16 };
  const boxes = [
    { width: 100, height: 30 },
    { width: 100, height: 30 },
  ];
  const { wires } = layered(boxes, [
    { from: 0, to: 1, label },
    { from: 1, to: 0, label },
  ]);
  expect(wires[0]!.path[0]!.y).toBeLessThan(wires[0]!.path.at(-1)!.y);
  expect(wires[1]!.path[0]!.y).toBeGreaterThan(wires[1]!.path.at(-1)!.y);
  expect(Math.abs(wires[0]!.label!.x - wires[1]!.label!.x)).toBeGreaterThanOrEqual(60);
});

test("a flat graph has no crossing where none is needed: retries of the tool-call chart", () => {
  const box = { width: 80, height: 30 };
  const [start, running, deciding, waiting, done, failed] = [0, 1, 2, 3, 4, 5];
  const { wires } = layered(
    Array.from({ length: 6 }, () => box),
    [
      { from: start, to: running },
      { from: start, to: failed },
      { from: running, to: done },
      { from: running, to: deciding },
      { from: deciding, to: waiting },
      { from: deciding, to: failed },
      { from: waiting, to: running },
    ],
  );
  for (const [i, a] of wires.entries()) for (const b of wires.slice(i + 1)) expect(crosses(a.path, b.path)).toBe(false);
});

/** Do two paths change sides somewhere? Looked at the heights that both have. */
function crosses(a: readonly Point[], b: readonly Point[]): boolean {
  const at = (path: readonly Point[], y: number): number | undefined => {
    const ends = path.filter((_, i) => i % 3 === 0);
    for (let i = 1; i < ends.length; i++) {
      const [p, q] = [ends[i - 1]!, ends[i]!];
      if ((p.y - y) * (q.y - y) <= 0 && p.y !== q.y) return p.x + ((q.x - p.x) * (y - p.y)) / (q.y - p.y);
    }
    return undefined;
  };
  const sides = new Set<number>();
  for (let y = 0; y < 1000; y += 3) {
    const [p, q] = [at(a, y), at(b, y)];
    if (p !== undefined && q !== undefined && Math.abs(p - q) > 1) sides.add(Math.sign(p - q));
  }
  return sides.size > 1;
}

test("spread keeps gaps, and wishes where they can be kept", () => {
  const wish = fc.record({ at: fc.integer({ min: -100, max: 100 }), weight: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 50 }), (wishes, gap) => {
      const gaps = wishes.slice(1).map(() => gap);
      const at = spread(wishes, gaps);
      for (let i = 1; i < at.length; i++) expect(at[i]! - at[i - 1]!).toBeGreaterThanOrEqual(gap - 1e-9);
      const kept = wishes.every((each, i) => i === 0 || each.at - wishes[i - 1]!.at >= gap);
      if (kept) for (const [i, each] of wishes.entries()) expect(at[i]).toBeCloseTo(each.at, 9);
    }),
  );
});

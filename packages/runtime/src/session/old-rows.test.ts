import fc from "fast-check";
import { CacheMemory } from "./cache-memory.ts";
import { OLD_BLOCK, quantizeRows, RECENT } from "./old-rows.ts";
import { KeyValueRows } from "./rows.ts";
import { oldSpanOf, rowWidth, spansOf } from "./spans.ts";

const CACHE = [
  { layer: 0, heads: 2, size: 2, window: null },
  { layer: 1, heads: 1, size: 3, window: 5 },
];
const SPANS = spansOf(CACHE);
const OLD = oldSpanOf(SPANS)!;
const WIDTH = rowWidth(CACHE);
const LIMITS = { context: 10_000, rewind: 50 };

test("a number comes back within half a step of its head's largest, and the largest exactly", () => {
  const size = 4;
  const heads = fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: size, maxLength: size }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(heads, (rows) => {
      const [numbers, scales] = [new Int8Array(rows.length * size), new Float32Array(rows.length)];
      quantizeRows(Float32Array.from(rows.flat()), 1, size, numbers, scales);
      for (const [r, row] of rows.entries()) {
        const largest = Math.max(...row.map(Math.abs));
        const step = Math.max(largest / 127, 2 ** -119);
        for (const [i, x] of row.entries())
          expect(Math.abs(numbers[r * size + i]! * scales[r]! - x)).toBeLessThanOrEqual(step * (0.5 + 1e-4));
      }
    }),
  );
  const [numbers, scales] = [new Int8Array(2), new Float32Array(1)];
  quantizeRows(Float32Array.of(-254, 1), 1, 2, numbers, scales);
  expect([...numbers, ...scales]).toEqual([-127, 1, 2]); // halves up: 1 / 2 → 1
});

test("each head has a scale of its own", () => {
  const [numbers, scales] = [new Int8Array(4), new Float32Array(2)];
  quantizeRows(Float32Array.of(127, 0, 0, 0.5), 2, 2, numbers, scales);
  expect([...numbers]).toEqual([127, 0, 0, 127]);
  expect([...scales]).toEqual([1, Math.fround(0.5 / 127)]);
});

test("what is not finite is not hidden", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const [numbers, scales] = [new Int8Array(2), new Float32Array(1)];
    quantizeRows(Float32Array.of(1, bad), 1, 2, numbers, scales);
    expect(Number.isFinite(scales[0])).toBe(false);
  }
});

/** Whole numbers with a largest of 127 in each head, so that they are exact in 8 bits: what is read back is what was written, or a mistake. */
function value(mark: number, position: number, column: number): number {
  return column % 2 === 0 ? 127 : (mark * 31 + position * 7 + column) % 127;
}

function append(rows: KeyValueRows, mark: number, at: number, count: number): void {
  rows.reserve(at, count);
  rows.write(
    Float32Array.from({ length: count * WIDTH }, (_, i) => value(mark, at + Math.floor(i / WIDTH), i % WIDTH)),
    WIDTH,
    at,
  );
}

/** Array `index` of the span without a window as a token after `past` others reads it: old rows times their scales, then the recent ones. */
function read(rows: KeyValueRows, index: number, past: number): number[] {
  const [old, recent] = rows.seen(past);
  expect([old!.from, old!.to]).toEqual([0, recent!.from]);
  expect(recent!.to).toBe(past);
  const count = old!.to;
  const { heads, size } = SPANS[0]!.arrays[index]!;
  const numbers = count === 0 ? [] : [...old!.rows.view(2 * index, 0, count)];
  const scales = count === 0 ? [] : [...old!.rows.view(2 * index + 1, 0, count)];
  expect(scales.length).toBe(count * heads);
  return [...numbers.map((x, i) => x * scales[Math.floor(i / size)]!), ...recent!.rows.view(index, recent!.from, past - recent!.from)];
}

function expectRows(rows: KeyValueRows, marks: readonly number[]): void {
  for (const [index, { column, width }] of SPANS[0]!.arrays.entries()) {
    const found = read(rows, index, marks.length);
    const wrong = found.findIndex((x, i) => x !== value(marks[Math.floor(i / width)]!, Math.floor(i / width), column + (i % width)));
    expect([found.length, wrong]).toEqual([marks.length * width, -1]);
  }
}

test("rows become old in whole blocks, the newest stay, and memory is that of 8 bits", () => {
  const memory = new CacheMemory(1e9);
  const rows = KeyValueRows.empty(SPANS, LIMITS, memory, OLD);
  for (let at = 0; at < 4000; at += 50) {
    append(rows, 1, at, 50);
    const [old] = rows.seen(at + 50);
    expect(old!.to % OLD_BLOCK).toBe(0);
    expect(old!.to).toBe(Math.floor(Math.max(0, at - RECENT) / OLD_BLOCK) * OLD_BLOCK);
  }
  expectRows(rows, Array<number>(4000).fill(1));
  expect(OLD.rowBytes).toBe(8 + 4 * 4); // 8 numbers, 4 scales; in float32 the row has 32 bytes
  expect(memory.used).toBeLessThan(4096 * OLD.rowBytes + 1024 * SPANS[0]!.rowBytes + 1024 * SPANS[1]!.rowBytes);
  rows.free();
  expect(memory.used).toBe(0);
});

test("forks share old rows", () => {
  const memory = new CacheMemory(1e9);
  const rows = KeyValueRows.empty(SPANS, LIMITS, memory, OLD);
  append(rows, 1, 0, 900);
  append(rows, 1, 900, 1);
  const alone = memory.used;
  const fork = rows.fork(901);
  expect(memory.used).toBe(alone);
  expect(fork.seen(901)[0]!.rows.view(0, 0, 1).buffer).toBe(rows.seen(901)[0]!.rows.view(0, 0, 1).buffer);
});

test("without memory for old rows nothing is lost", () => {
  const room = 700 * (SPANS[0]!.rowBytes + SPANS[1]!.rowBytes);
  const rows = KeyValueRows.empty(SPANS, LIMITS, new CacheMemory(room), OLD);
  append(rows, 1, 0, 690);
  expect(() => append(rows, 2, 690, 300)).toThrow(expect.objectContaining({ code: "session/out-of-cache-memory" }));
  expectRows(rows, Array<number>(690).fill(1));
});

test("whatever is forked, appended, rewound and freed, each sequence reads its own rows and every byte is given back", () => {
  const step = fc.record({
    act: fc.constantFrom("append", "append", "append", "fork", "rewind", "free"),
    which: fc.nat(),
    size: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
      const memory = new CacheMemory(1e9);
      let all: { rows: KeyValueRows; marks: number[] }[] = [];
      let mark = 0;
      for (const { act, which, size } of steps) {
        const chosen = all[which % (all.length || 1)];
        if (act === "append") {
          const target = chosen ?? { rows: KeyValueRows.empty([SPANS[0]!], LIMITS, memory, OLD), marks: [] };
          if (chosen === undefined) all.push(target);
          append(target.rows, ++mark, target.marks.length, size);
          for (let i = 0; i < size; i++) target.marks.push(mark);
        } else if (chosen !== undefined) {
          const kept = chosen.marks.slice(0, Math.max(0, chosen.marks.length - size));
          if (act === "free") {
            chosen.rows.free();
            all = all.filter((other) => other !== chosen);
          } else if (act === "rewind") chosen.marks = kept;
          else if (kept.length > 0) all.push({ rows: chosen.rows.fork(kept.length), marks: kept });
        }
        for (const { rows, marks } of all) if (marks.length > 0) expectRows(rows, marks);
      }
      for (const { rows } of all) rows.free();
      expect(memory.used).toBe(0);
    }),
    { numRuns: 60 },
  );
});

import fc from "fast-check";
import { CacheMemory } from "./cache-memory.ts";
import { KeyValueRows, type RowLimits } from "./rows.ts";
import { keptFrom, rowWidth, spansOf, visible } from "./spans.ts";

const CACHE = [
  { layer: 0, heads: 1, size: 2, window: null },
  { layer: 1, heads: 3, size: 1, window: 5 },
];
const SPANS = spansOf(CACHE);
const WIDTH = rowWidth(CACHE);

const empty = (memory = new CacheMemory(1e9), limits: RowLimits = { context: 1000, rewind: 8 }) =>
  KeyValueRows.empty(SPANS, limits, memory);

/** Says whose it is; below 2²⁴, so exact in float32 for positions up to 3000 and marks up to 100. */
const value = (mark: number, position: number, column: number) => (mark * 3000 + position) * 16 + column;

function rowsOf(mark: number, at: number, count: number): Float32Array {
  return Float32Array.from({ length: count * WIDTH }, (_, i) => value(mark, at + Math.floor(i / WIDTH), i % WIDTH));
}

function append(rows: KeyValueRows, mark: number, at: number, count: number): void {
  rows.reserve(at, count);
  rows.write(rowsOf(mark, at, count), WIDTH, at);
}

test("rows come back per array in time order, whatever the sizes of the runs", () => {
  const rows = empty();
  for (const [at, count] of [
    [0, 3],
    [3, 1],
    [4, 300],
    [304, 400],
  ] as const)
    append(rows, 0, at, count);
  const expected = (columns: readonly number[], from: number) =>
    Array.from({ length: 704 - from }, (_, t) => columns.map((column) => value(0, from + t, column))).flat();
  expect(Array.from(rows.spans[0]!.view(0, 0, 704))).toEqual(expected([0, 1], 0));
  expect(Array.from(rows.spans[0]!.view(1, 0, 704))).toEqual(expected([2, 3], 0));
  expect(Array.from(rows.spans[1]!.view(0, 700, 4))).toEqual(expected([4, 5, 6], 700));
  expect(Array.from(rows.spans[1]!.view(1, 700, 4))).toEqual(expected([7, 8, 9], 700));
});

test("a view is not a copy", () => {
  const rows = empty();
  rows.reserve(0, 2);
  const view = rows.spans[0]!.view(0, 0, 2);
  append(rows, 1, 0, 2);
  expect(view[0]).toBe(value(1, 0, 0));
});

test("growth doubles up to the context and never past it, and the bytes are counted", () => {
  const memory = new CacheMemory(1e9);
  const rows = empty(memory, { context: 700, rewind: 8 });
  const bytes = [1, 257, 513, 700].map((length) => {
    append(rows, 0, 0, length);
    return memory.used - windowBytes(memory, rows);
  });
  expect(bytes).toEqual([256, 512, 700, 700].map((capacity) => capacity * 16));
  rows.free();
  expect(memory.used).toBe(0);
});

/** What is held besides the first span. */
function windowBytes(memory: CacheMemory, rows: KeyValueRows): number {
  const before = memory.used;
  rows.spans[1]!.free();
  return before - memory.used;
}

test("a window keeps what can be seen or rewound to, however long the sequence, in bounded memory", () => {
  const memory = new CacheMemory(1e9);
  const rows = empty(memory, { context: 100_000, rewind: 8 });
  for (let at = 0; at < 3000; at++) append(rows, 0, at, 1);
  const window = rows.spans[1]!;
  expect(window.first).toBeGreaterThan(2000);
  expect(window.first).toBeLessThanOrEqual(keptFrom(2999 - 8, 5));
  expect(Array.from(window.view(0, 2999, 1))).toEqual([4, 5, 6].map((column) => value(0, 2999, column)));
  expect(windowBytes(memory, rows)).toBeLessThan(300 * 24);
});

test("a fork costs nothing until one of the two writes where the other reads", () => {
  const memory = new CacheMemory(1e9);
  const rows = empty(memory);
  append(rows, 0, 0, 10);
  const alone = memory.used;
  const [short, whole] = [rows.fork(4), rows.fork(10)];
  expect(memory.used).toBe(alone);
  append(rows, 1, 10, 1); // behind what the forks need: no copy
  expect(memory.used).toBe(alone);
  append(whole, 2, 10, 1); // row 10 is taken
  expect(memory.used).toBe(2 * alone);
  append(short, 3, 4, 1);
  expect(memory.used).toBe(3 * alone);
  expect([rows, whole, short].map((own) => own.spans[0]!.view(0, 3, 2)[2])).toEqual([value(0, 4, 0), value(0, 4, 0), value(3, 4, 0)]);
  rows.free();
  short.free();
  whole.free();
  expect(memory.used).toBe(0);
});

test("with little memory a sequence grows by what it needs, and what does not fit leaves it as it was", () => {
  const memory = new CacheMemory(300 * (16 + 24));
  const rows = empty(memory, { context: 1000, rewind: 1000 });
  append(rows, 0, 0, 256);
  append(rows, 0, 256, 4);
  expect(() => append(rows, 1, 250, 900)).toThrow(
    expect.objectContaining({ code: "session/out-of-cache-memory", budgetBytes: memory.budget }),
  );
  expect(rows.spans[0]!.view(0, 0, 250)[249 * 2]).toBe(value(0, 249, 0));
  expect(memory.used).toBeLessThanOrEqual(memory.budget);
});

test("whatever is forked, appended, rewound and freed, each sequence reads its own rows and every byte is given back", () => {
  const step = fc.record({
    act: fc.constantFrom("append", "append", "append", "fork", "rewind", "free"),
    which: fc.nat(),
    size: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), fc.integer({ min: 1, max: 30 }), (steps, rewind) => {
      const memory = new CacheMemory(1e9);
      /** The naive model: of each sequence, who wrote each row. */
      let all: { rows: KeyValueRows; marks: number[]; reach: number }[] = [];
      let mark = 0;
      for (const { act, which, size } of steps) {
        const chosen = all[which % (all.length || 1)];
        if (act === "append") {
          const target = chosen ?? { rows: empty(memory, { context: 5000, rewind }), marks: [], reach: 0 };
          if (chosen === undefined) all.push(target);
          const at = target.marks.length;
          target.reach = Math.max(target.reach, at - rewind);
          append(target.rows, ++mark, at, size);
          for (let i = 0; i < size; i++) target.marks.push(mark);
        } else if (chosen !== undefined) {
          const { rows, marks, reach } = chosen;
          const length = size % 7 === 0 ? 0 : Math.max(reach, marks.length - size);
          if (act === "free") {
            rows.free();
            all = all.filter((other) => other !== chosen);
          } else if (act === "rewind") Object.assign(chosen, { marks: marks.slice(0, length), reach: length === 0 ? 0 : reach });
          else if (length > 0) all.push({ rows: rows.fork(length), marks: marks.slice(0, length), reach });
        }
        for (const { rows, marks, reach } of all)
          for (const own of rows.spans)
            for (const length of new Set([marks.length, reach])) {
              const seen = visible(length, own.span.window);
              if (seen === 0) continue;
              const [{ width, column }] = own.span.arrays as [(typeof own.span.arrays)[number]];
              const wrong = marks
                .slice(length - seen, length)
                .findIndex(
                  (wrote, i) => own.view(0, length - seen + i, 1)[width - 1] !== value(wrote, length - seen + i, column + width - 1),
                );
              expect(wrong).toBe(-1);
            }
      }
      for (const { rows } of all) rows.free();
      expect(memory.used).toBe(0);
    }),
    { numRuns: 150 },
  );
});

test("the bytes needed at the least leave out rows of a window that are dropped on the way", () => {
  const rows = empty();
  append(rows, 0, 0, 256);
  expect(rows.bytesFor(256, 1)).toBe(257 * 16 + (257 - (256 - 8 - 4)) * 24);
  rows.reserve(256, 1);
  expect(rows.bytesFor(0, 3)).toBe(3 * 40);
});

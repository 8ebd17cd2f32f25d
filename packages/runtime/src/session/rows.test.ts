import { KeyValueRows } from "./rows.ts";

/** Rows whose values say where they belong: token · 100 + column. */
function rowsFrom(first: number, count: number, width: number): Float32Array {
  return Float32Array.from({ length: count * width }, (_, i) => (first + Math.floor(i / width)) * 100 + (i % width));
}

test("rows come back per array in time order, whatever the sizes of the runs", () => {
  const rows = new KeyValueRows([2, 3], 1000);
  for (const [at, count] of [
    [0, 3],
    [3, 1],
    [4, 300],
    [304, 400],
  ] as const) {
    rows.reserve(at + count, at);
    rows.write(rowsFrom(at, count, 5), at);
  }
  expect(Array.from(rows.past(0, 0, 704))).toEqual(Array.from({ length: 704 }, (_, t) => [t * 100, t * 100 + 1]).flat());
  expect(Array.from(rows.past(1, 0, 704))).toEqual(Array.from({ length: 704 }, (_, t) => [t * 100 + 2, t * 100 + 3, t * 100 + 4]).flat());
});

test("growth doubles up to the limit and never past it", () => {
  const rows = new KeyValueRows([2], 700);
  const capacities = [1, 257, 513, 700].map((length) => {
    rows.reserve(length, 0);
    return rows.past(0, 0, 0).buffer.byteLength / 8;
  });
  expect(capacities).toEqual([256, 512, 700, 700]);
});

test("a view is not a copy", () => {
  const rows = new KeyValueRows([1], 10);
  rows.reserve(2, 0);
  const view = rows.past(0, 0, 2);
  rows.write(Float32Array.of(7, 8), 0);
  expect(Array.from(view)).toEqual([7, 8]);
});

test("a fork has rows of its own", () => {
  const rows = new KeyValueRows([1, 1], 10);
  rows.reserve(3, 0);
  rows.write(rowsFrom(0, 3, 2), 0);
  const fork = rows.fork(2);
  rows.write(Float32Array.of(-1, -1), 0);
  expect(Array.from(fork.past(0, 0, 2))).toEqual([0, 100]);
  expect(Array.from(fork.past(1, 0, 2))).toEqual([1, 101]);
});

import { Graph } from "../graph/graph.ts";
import { rotaryTables } from "./rope.ts";

test("angles are rounded to float32 before the cosine is taken, and the gain multiplies both tables", () => {
  const graph = new Graph("test");
  rotaryTables(graph, { theta: 10000, size: 8, positions: 1000, gain: 0.5 });
  const [cos, sin] = graph.initializers.map(({ data }) => new Float32Array((data as Uint8Array).slice().buffer));
  const frequency = Math.fround(1 / Math.fround(10000 ** 0.25));
  const angle = Math.fround(999 * frequency);
  expect(angle).not.toBe(999 * frequency);
  expect(cos![999 * 4 + 1]).toBe(Math.fround(0.5 * Math.cos(angle)));
  expect(sin![999 * 4 + 1]).toBe(Math.fround(0.5 * Math.sin(angle)));
  expect([cos![0], sin![0]]).toEqual([0.5, 0]);
  expect(graph.initializers.map(({ value }) => value.shape)).toEqual([
    [1000, 4],
    [1000, 4],
  ]);
});

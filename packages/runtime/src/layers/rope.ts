/** Tables of rotary position embedding. In: base, head size, number of positions. Out: cosines and sines, part of the graph. */
import type { Graph, Value } from "../graph/graph.ts";

export interface RotaryTables {
  /** float32 [positions, size/2] each. */
  readonly cos: Value;
  readonly sin: Value;
}

export interface RotaryOptions {
  readonly theta: number;
  /** Numbers in a head. */
  readonly size: number;
  readonly positions: number;
  /** Both tables are multiplied by it: what is turned is also scaled, at no cost. */
  readonly gain: number;
}

/** Angles are position · frequency rounded to float32 at each step, as models were trained with. */
export function rotaryTables(graph: Graph, options: RotaryOptions): RotaryTables {
  const { theta, size, positions, gain } = options;
  const half = size / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let pair = 0; pair < half; pair++) {
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * pair) / size)));
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * half + pair] = gain * Math.cos(angle);
      sin[position * half + pair] = gain * Math.sin(angle);
    }
  }
  const table = (name: string, numbers: Float32Array): Value =>
    graph.weight(name, "float32", [positions, half], new Uint8Array(numbers.buffer));
  return { cos: table("rotary.cos", cos), sin: table("rotary.sin", sin) };
}

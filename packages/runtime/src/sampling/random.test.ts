import { createRandom } from "./random.ts";

function draws(seed: number, count: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, random);
}

test("the same seed gives the same numbers, near seeds give others", () => {
  expect(draws(7, 20)).toEqual(draws(7, 20));
  const firsts = new Set([0, 1, 2, 3, -1, 0.5, 1e300].map((seed) => draws(seed, 1)[0]));
  expect(firsts.size).toBe(7);
});

test("numbers lie in [0, 1) and fill it evenly", () => {
  const bins = new Uint32Array(16);
  for (const value of draws(1, 160_000)) {
    if (!(value >= 0 && value < 1)) throw new Error(`drew ${value}`);
    bins[Math.floor(value * 16)]!++;
  }
  // 10,000 ± 97 expected in each; five deviations.
  for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

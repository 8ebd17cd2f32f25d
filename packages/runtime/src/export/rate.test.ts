import { Rate } from "./rate.ts";

test("nothing is known before something was done", () => {
  expect(new Rate(0).perSecond).toBeNull();
});

test("a steady rate is found exactly, whatever the size of the steps", () => {
  const rate = new Rate(0);
  let now = 0;
  for (const seconds of [0.1, 3, 0.5, 20]) rate.add(500 * seconds, (now += 1000 * seconds));
  expect(rate.perSecond).toBeCloseTo(500, 9);
});

test("a new rate replaces the old one within some ten seconds, not at once", () => {
  const rate = new Rate(0);
  for (let s = 1; s <= 60; s++) rate.add(100, 1000 * s);
  rate.add(1000, 61_000);
  expect(rate.perSecond).toBeLessThan(250);
  for (let s = 62; s <= 100; s++) rate.add(1000, 1000 * s);
  expect(rate.perSecond).toBeGreaterThan(950);
});

import { Pace } from "./pace.ts";

test("a follower waits for its share, and no longer", async () => {
  const pace = new Pace();
  const seen: number[] = [];
  const waiting = [0.2, 0.5].map((share) => pace.reached(share).then(() => seen.push(share)));
  await pace.reached(0);
  pace.advance(0.3);
  await waiting[0];
  expect(seen).toEqual([0.2]);
  pace.advance(1);
  await Promise.all(waiting);
  expect(seen).toEqual([0.2, 0.5]);
});

test("when the leader fails, so do those who wait and those who come later", async () => {
  const pace = new Pace();
  const waiting = pace.reached(0.5);
  pace.fail(new Error("broken"));
  await expect(waiting).rejects.toThrow("broken");
  await expect(pace.reached(0)).rejects.toThrow("broken");
});

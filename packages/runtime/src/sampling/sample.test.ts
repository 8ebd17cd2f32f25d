import { ChatError, type Sampling } from "@orrery/chat";
import fc from "fast-check";
import { createCandidates, gather, keepMinP, keepTopK, keepTopP, soften, weigh } from "./logits.ts";
import { createSampler } from "./sample.ts";

const logit = fc.float({ noNaN: true, min: -30, max: 30 });
const row = fc.array(logit, { minLength: 1, maxLength: 200 }).map((values) => Float32Array.from(values));

function maskOf(ids: Iterable<number>, size: number): { bits: Uint32Array } {
  const bits = new Uint32Array((size + 31) >>> 5);
  for (const id of ids) bits[id >>> 5]! |= 1 << (id & 31);
  return { bits };
}

function softmax(logits: readonly number[], temperature = 1): number[] {
  const peak = Math.max(...logits);
  const weights = logits.map((value) => Math.exp((value - peak) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function candidatesOf(logits: Float32Array, temperature = 1) {
  const candidates = createCandidates(logits.length);
  gather(candidates, logits, null);
  soften(candidates, temperature);
  return candidates;
}

test("weights agree with Math.exp", () => {
  const values = Float64Array.from({ length: 100_000 }, (_, i) => -i / 2_000);
  const weights = values.slice();
  weigh(weights, weights.length, 0, 1);
  const worst = weights.reduce(
    (most, weight, i) => Math.max(most, Math.abs(weight / Math.exp(values[i]!) - 1) * (values[i]! > -40 ? 1 : 0)),
    0,
  );
  expect(worst).toBeLessThan(3e-9);
  expect(weights.at(-1)).toBe(0);
});

test("greedy takes the largest legal logit, the first of equal ones", () => {
  fc.assert(
    fc.property(row, fc.infiniteStream(fc.boolean()), (logits, flips) => {
      const legal = [...logits.keys()].filter(() => flips.next().value);
      if (legal.length === 0) legal.push(0);
      const { id } = createSampler({}, logits.length).sample(logits, maskOf(legal, logits.length), []);
      expect(id).toBe(legal.reduce((best, other) => (logits[other]! > logits[best]! ? other : best)));
    }),
  );
});

test("logits of the legal ids alone give the tokens that the whole row gives, draw by draw", () => {
  const options = fc.record({ temperature: fc.constantFrom(0, 0.7, 1.5), topK: fc.nat(5), topP: fc.constantFrom(0.4, 0.9, 1), repetitionPenalty: fc.constantFrom(1, 1.3) }); // prettier-ignore
  fc.assert(
    fc.property(row, fc.infiniteStream(fc.boolean()), options, fc.integer(), (logits, flips, sampling, seed) => {
      const legal = [...logits.keys()].filter(() => flips.next().value);
      if (legal.length === 0) legal.push(0);
      const ids = Int32Array.from(legal);
      const [dense, listed, sparse] = [1, 2, 3].map(() => createSampler({ ...sampling, seed }, logits.length));
      const history: number[] = [];
      for (let i = 0; i < 4; i++) {
        const { id } = dense!.sample(logits, maskOf(legal, logits.length), history);
        expect(listed!.sample(logits, { ...maskOf(legal, logits.length), ids }, history).id).toBe(id);
        const values = Float32Array.from(ids, (one) => logits[one]!);
        expect(sparse!.sample({ ids, values }, null, history)).toEqual({ id, maskedMass: null });
        history.push(id);
      }
    }),
  );
});

test("logits beyond the mask's last word are outside it: they are never drawn, and their mass counts as removed", () => {
  const logits = new Float32Array(70);
  logits[69] = 20;
  const { id, maskedMass } = createSampler({ temperature: 1 }, 70).sample(logits, maskOf([3], 32), []);
  expect(id).toBe(3);
  expect(maskedMass).toBeGreaterThan(0.999);
});

test("the removed mass is the softmax of the raw logits outside the mask", () => {
  fc.assert(
    fc.property(row, fc.infiniteStream(fc.boolean()), (logits, flips) => {
      const legal = [...logits.keys()].filter(() => flips.next().value);
      if (legal.length === 0) legal.push(0);
      const sampler = createSampler({ temperature: 3, topK: 1 }, logits.length);
      const probability = softmax([...logits]);
      const outside = probability.reduce((sum, p, id) => (legal.includes(id) ? sum : sum + p), 0);
      expect(sampler.sample(logits, maskOf(legal, logits.length), []).maskedMass).toBeCloseTo(outside, 6);
      expect(sampler.sample(logits, null, []).maskedMass).toBe(0);
    }),
  );
});

test("an id outside the mask is never drawn", () => {
  const sampling: fc.Arbitrary<Sampling> = fc.record({
    temperature: fc.double({ min: 0, max: 5, noNaN: true }),
    topK: fc.nat(20),
    topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(row, sampling, fc.nat(), fc.nat(), (logits, options, a, b) => {
      const legal = [a % logits.length, b % logits.length];
      const sampler = createSampler(options, logits.length);
      const before = logits.slice();
      const history: number[] = [];
      for (let i = 0; i < 5; i++) history.push(sampler.sample(logits, maskOf(legal, logits.length), history).id);
      expect(history.filter((id) => !legal.includes(id))).toEqual([]);
      expect(logits).toEqual(before);
    }),
  );
});

test("a bias adds to legal logits only: what is illegal stays so, and the draw is that from the added logits", () => {
  const biases = fc.array(fc.tuple(fc.nat(250), fc.double({ min: -20, max: 20, noNaN: true })), { maxLength: 30 });
  fc.assert(
    fc.property(
      row,
      biases,
      fc.infiniteStream(fc.boolean()),
      fc.double({ min: 0, max: 2, noNaN: true }),
      (logits, entries, flips, temperature) => {
        const legal = [...logits.keys()].filter(() => flips.next().value);
        if (legal.length === 0) legal.push(0);
        const bias = new Map(entries);
        const mask = maskOf(legal, logits.length);
        const before = logits.slice();
        const draw = (row: Float32Array, added?: Map<number, number>) =>
          createSampler({ temperature, seed: 7 }, row.length).sample(row, mask, [], added);
        const { id, maskedMass } = draw(logits, bias);
        expect(legal).toContain(id);
        expect(logits).toEqual(before);
        expect(maskedMass).toBe(draw(logits).maskedMass);
        if (temperature > 0) return;
        const moved = (one: number) => logits[one]! + (bias.get(one) ?? 0);
        expect(id).toBe(legal.reduce((best, other) => (moved(other) > moved(best) ? other : best)));
      },
    ),
  );
});

test("a bias that is empty, or of nothing legal, changes no draw", () => {
  fc.assert(
    fc.property(row, fc.integer(), (logits, seed) => {
      const legal = [...logits.keys()].filter((id) => id % 2 === 0);
      const draws = [
        undefined,
        new Map<number, number>(),
        new Map([
          [1, 20],
          [1_000, 20],
        ]),
      ].map((bias) => {
        const sampler = createSampler({ temperature: 1, seed }, logits.length);
        return Array.from({ length: 5 }, () => sampler.sample(logits, maskOf(legal, logits.length), [], bias));
      });
      expect(draws[1]).toEqual(draws[0]);
      expect(draws[2]).toEqual(draws[0]);
    }),
  );
});

test("top-k keeps the k heaviest, top-p the fewest that reach p, min-p those near the heaviest", () => {
  fc.assert(
    fc.property(row, fc.integer({ min: 1, max: 50 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (logits, k, p) => {
      const sorted = [...candidatesOf(logits).values].sort((a, b) => b - a);
      const kept = (keep: (candidates: ReturnType<typeof candidatesOf>) => void) => {
        const candidates = candidatesOf(logits);
        keep(candidates);
        const ids = [...candidates.ids.subarray(0, candidates.count)];
        expect(new Set(ids).size).toBe(ids.length);
        return [...candidates.values.subarray(0, candidates.count)].sort((a, b) => b - a);
      };
      expect(kept((candidates) => keepTopK(candidates, k))).toEqual(sorted.slice(0, k));
      const nucleus = kept((candidates) => keepTopP(candidates, p));
      expect(nucleus).toEqual(sorted.slice(0, nucleus.length));
      const sum = sorted.reduce((a, b) => a + b, 0);
      const reached = (count: number) => sorted.slice(0, count).reduce((a, b) => a + b, 0) / sum;
      expect(reached(nucleus.length)).toBeGreaterThan(p - 1e-9);
      if (nucleus.length > 1) expect(reached(nucleus.length - 1)).toBeLessThan(p + 1e-9);
      expect(kept((candidates) => keepMinP(candidates, p))).toEqual(sorted.filter((weight) => weight >= p * sorted[0]!));
    }),
  );
});

test("draws follow the softmax at the temperature", () => {
  const logits = Float32Array.of(0, 1, 2, -1, 2.5);
  const sampler = createSampler({ temperature: 1.5, seed: 3 }, logits.length);
  const counts = Array.from(logits, () => 0);
  const draws = 40_000;
  for (let i = 0; i < draws; i++) counts[sampler.sample(logits, null, []).id]!++;
  softmax([...logits], 1.5).forEach((p, id) =>
    expect(Math.abs(counts[id]! / draws - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws)),
  );
});

test("the same seed gives the same reply, another seed another", () => {
  const logits = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
  const reply = (seed: number) => {
    const sampler = createSampler({ temperature: 1, topP: 0.9, seed }, logits.length);
    return Array.from({ length: 50 }, () => sampler.sample(logits, null, []).id);
  };
  expect(reply(1)).toEqual(reply(1));
  expect(reply(1)).not.toEqual(reply(2));
});

test("the repetition penalty moves what was said down, whatever its sign, once per id", () => {
  const penalised = (logits: Float32Array, history: number[]) =>
    createSampler({ repetitionPenalty: 2 }, 2).sample(logits, null, history).id;
  expect(penalised(Float32Array.of(3, 2), [0, 0])).toBe(1);
  expect(penalised(Float32Array.of(-2, -3), [0])).toBe(1);
  expect(penalised(Float32Array.of(5, 2), [0, 0, 0])).toBe(0);
});

test.each<[Sampling]>([
  [{ temperature: -1 }],
  [{ temperature: 6 }],
  [{ temperature: NaN }],
  [{ topK: 1.5 }],
  [{ topK: -1 }],
  [{ topP: 0 }],
  [{ topP: 1.1 }],
  [{ minP: -0.1 }],
  [{ minP: 2 }],
  [{ repetitionPenalty: 0 }],
  [{ repetitionPenalty: Infinity }],
  [{ seed: NaN }],
])("%j is refused", (sampling) => {
  expect(() => createSampler(sampling, 8)).toThrow(ChatError);
  expect(() => createSampler(sampling, 8)).toThrow(expect.objectContaining({ code: "chat/bad-sampling" }));
});

test("logits that are no numbers, too few logits and an empty mask are typed errors; −∞ is a logit", () => {
  const sampler = createSampler({ temperature: 1 }, 3);
  for (const logits of [Float32Array.of(1, NaN, 2), Float32Array.of(NaN, 1, 2), Float32Array.of(1, Infinity, 2), Float32Array.of(1, 2)])
    expect(() => sampler.sample(logits, maskOf([0], 3), [])).toThrow(expect.objectContaining({ code: "session/bad-logits" }));
  expect(() => sampler.sample(Float32Array.of(1, 2, 3), maskOf([], 3), [])).toThrow(
    expect.objectContaining({ code: "constraint/dead-end" }),
  );
  expect(sampler.sample(Float32Array.of(-Infinity, 2, -Infinity), null, []).id).toBe(1);
  expect([0, 2]).toContain(sampler.sample(Float32Array.of(-Infinity, 2, -Infinity), maskOf([0, 2], 3), []).id);
});

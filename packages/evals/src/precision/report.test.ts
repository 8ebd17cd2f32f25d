import type { Trace, TracedStep } from "@orrery/runtime";
import { compareSteps } from "./compare.ts";
import { precisionChart } from "./chart.ts";
import type { ContestantReport, PrecisionReport } from "./measure.ts";
import { precisionTable } from "./table.ts";
import { Tally } from "./tally.ts";

const step = (position: TracedStep["position"], ...logits: readonly number[]): TracedStep => ({
  id: 0,
  position,
  logits: Float32Array.from(logits),
  legal: null,
});

const trace = (steps: readonly TracedStep[], replyMs: number, precision: Trace["precision"] = null): Trace => ({
  ids: [],
  message: { role: "assistant" },
  steps,
  prompt: { computed: 1, cached: 0 },
  promptMs: 10,
  replyMs,
  precision,
});

test("KL is Σ p·ln(p/q), and a flip another likeliest token", () => {
  const [p, q] = [step("move", Math.log(3), 0), step("move", 0, Math.log(3))];
  expect(compareSteps(p, q).kl).toBeCloseTo(0.75 * Math.log(3) - 0.25 * Math.log(3), 6);
  expect(compareSteps(p, q).flip).toBe(true);
  expect(compareSteps(p, step("move", Math.log(3) + 5, 5)).kl).toBeCloseTo(0, 6); // softmax knows no offset
});

test("tokens that are not legal count for nothing", () => {
  const legal = Uint32Array.of(0b101);
  const p = { logits: Float32Array.of(1, 9, 0), legal };
  expect(compareSteps(p, { logits: Float32Array.of(1, -9, 0), legal })).toEqual({ kl: 0, flip: false });
});

test("a tally adds up by class, and times are quotients with the same turn of the baseline", () => {
  const reference = trace([step("tool-name", 2, 0), step("free-text", 2, 0)], 100);
  const baseline = new Tally("int8");
  const other = new Tally("sliced");
  expect(baseline.add(reference, reference)).toBe(false);
  const found = trace([step("tool-name", 0, 2), step("free-text", 2, 0)], 50, { low: 1, full: 1, rechecked: 0 });
  expect(other.add(reference, found)).toBe(true);
  other.judge(false, undefined);
  const figures = other.figures(baseline.timings);
  expect(figures.classes).toMatchObject({
    all: { tokens: 2, flips: 1 },
    calls: { tokens: 1, flips: 1 },
    "tool-name": { tokens: 1, flips: 1 },
    "free-text": { tokens: 1, flips: 0, kl: 0 },
  });
  expect(figures.replyMs).toEqual({ median: 50, ratio: 0.5 });
  expect(figures.turnMs.ratio).toBeCloseTo(60 / 110);
  expect(figures.exact).toMatchObject({ n: 1, hits: 0 });
  expect(figures.asReference.n).toBe(0);
  expect(figures.steps).toEqual({ low: 1, full: 1, rechecked: 0 });
});

function report(): PrecisionReport {
  const reference = trace([step("tool-name", 2, 0), step("string", 2, 0)], 100);
  const found = trace([step("tool-name", 0, 2), step("string", 2, 0)], 60, { low: 2, full: 0, rechecked: 0 });
  const contestants = [
    ["int8", reference],
    ["sliced: <low>", found],
    ["sliced: full", found],
  ].map(([name, one], i): ContestantReport => {
    const tally = new Tally(name as string);
    tally.add(reference, one as Trace);
    return {
      ...tally.figures([{ prompt: 10, reply: 100 }]),
      precision: i === 0 ? "int8" : "sliced",
      memory: { weights: 1e6, resident: 2e6 },
    };
  });
  const policy = { format: 1, otherwise: "low", rules: [] } as const;
  return {
    model: "m & n",
    conversations: 1,
    turns: 1,
    tokens: 2,
    baseline: "int8",
    policy: { ...policy, rules: [] },
    reference: contestants[0]!,
    contestants,
  };
}

test("the table has a row for the reference and for each contestant, and a column for each class", () => {
  const lines = precisionTable(report()).split("\n");
  expect(lines.filter((line) => line.startsWith("sliced: <low>"))).toHaveLength(2);
  expect(lines.find((line) => line.startsWith("sliced: <low>"))).toMatch(/0\.64× +0\.60× +1\.00× +70 +1 MB +2 MB +2\/0\/0 +1 /);
  expect(lines.join("\n")).toMatch(/all \(2\) +calls \(2\) +tool-name \(1\) +string \(1\)/);
});

test("the picture has a mark and a line for each contestant, inside its frame, with text escaped", () => {
  const svg = precisionChart(report());
  expect(svg.match(/<circle/g)).toHaveLength(4); // two marks, and the same in the list
  expect(svg.match(/<rect/g)).toHaveLength(3); // the ground, one mark, and in the list
  expect(svg).toContain("m &#38; n");
  expect(svg).toContain("sliced: &#60;low&#62;");
  expect(svg).not.toMatch(/NaN|Infinity|<low>/);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  for (const [, x, y] of svg.matchAll(/c?x="([\d.-]+)" c?y="([\d.-]+)"/g)) {
    expect(Number(x)).toBeGreaterThan(0);
    expect(Number(x)).toBeLessThan(width!);
    expect(Number(y)).toBeGreaterThan(0);
    expect(Number(y)).toBeLessThan(height!);
  }
});

import fc from "fast-check";
import { confidenceOf } from "./confidence.ts";
import { DEFAULT_POLICY } from "./default.ts";
import { Governor, type StepPlace } from "./governor.ts";
import { fixedPolicy, parsePolicy, policyName, type PrecisionPolicy } from "./policy.ts";

const place = (part: Partial<StepPlace> = {}): StepPlace => ({ phase: "decode", position: "free-text", afterForced: false, ...part });
const policy = (otherwise: unknown, ...rules: readonly object[]): PrecisionPolicy =>
  parsePolicy({ format: 1, otherwise, rules: rules.map((rule, i) => ({ name: `rule ${i}`, when: {}, use: "full", ...rule })) });

/** Logits whose softmax over two tokens has this margin; further ones weigh nothing. */
const tie = (margin: number) => Float32Array.of(margin, 0, -1000, -1000);

describe("a policy", () => {
  test.each([
    ["no policy", null, "expected object"],
    ["an unknown word", { format: 1, otherwise: "half", rules: [] }, "otherwise"],
    ["an unknown condition", { format: 1, otherwise: "low", rules: [{ name: "a", when: { moon: 1 }, use: "low" }] }, "moon"],
    ["a threshold of nothing", { format: 1, otherwise: { recheckBelow: 0 }, rules: [] }, "otherwise"],
    ["too many rules", { format: 1, otherwise: "low", rules: Array.from({ length: 65 }, () => ({})) }, "rules"],
    [
      "one name twice",
      {
        format: 1,
        otherwise: "low",
        rules: [
          { name: "a", when: {}, use: "low" },
          { name: "a", when: {}, use: "full" },
        ],
      },
      'two rules are called "a"',
    ],
  ])("%s is refused with the place", (_, json, words) => {
    expect(() => parsePolicy(json)).toThrow(
      expect.objectContaining({ code: "precision/bad-policy", message: expect.stringContaining(words) }),
    );
  });

  test("wild input is a policy or an error of its own", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          parsePolicy(json);
        } catch (error) {
          expect(error).toMatchObject({ code: "precision/bad-policy" });
        }
      }),
    );
  });

  test("the default one survives being written and read", () => {
    expect(parsePolicy(JSON.parse(JSON.stringify(DEFAULT_POLICY)))).toEqual(DEFAULT_POLICY);
  });
});

test("policies have one name when they choose the same", () => {
  const name = (...rules: readonly object[]) => policyName(policy("low", ...rules));
  expect(name({ name: "x" }, { name: "off", enabled: false })).toBe(name({ name: "y" }));
  expect(name({ use: "low" })).not.toBe(name({}));
});

describe("a governor", () => {
  test("fixed policies choose the same everywhere", () => {
    expect(new Governor(fixedPolicy("low")).choose(place({ phase: "prefill" }))).toBe(false);
    expect(new Governor(fixedPolicy("full")).choose(place())).toBe(true);
  });

  test("the first rule that fits decides, and one that is off is not there", () => {
    const rules = [{ when: { positions: ["number"] } }, { when: { phase: "decode" }, use: "low" }] as const;
    expect(new Governor(policy("low", ...rules)).choose(place({ position: "number" }))).toBe(true);
    expect(new Governor(policy("low", { ...rules[0], enabled: false }, rules[1])).choose(place({ position: "number" }))).toBe(false);
  });

  test("phase, position and forced tokens before it must all fit", () => {
    const all = { when: { phase: "decode", positions: ["string", "enum"], afterForced: true } };
    const full = (part: Partial<StepPlace>) => new Governor(policy("low", all)).choose(place(part));
    expect(full({ position: "enum", afterForced: true })).toBe(true);
    expect(full({ position: "enum" })).toBe(false);
    expect(full({ position: "move", afterForced: true })).toBe(false);
    expect(full({ position: "enum", afterForced: true, phase: "prefill" })).toBe(false);
  });

  test("margin and entropy are those of the step before, and hold for nothing at first", () => {
    for (const [when, doubtful] of [
      [{ marginBelow: 1 }, tie(0.5)],
      [{ entropyAbove: 0.6 }, tie(0.1)],
    ] as const) {
      const governor = new Governor(policy("low", { when }));
      expect(governor.choose(place())).toBe(false);
      expect(governor.again(doubtful, null)).toBe(false);
      expect(governor.choose(place())).toBe(true);
      governor.again(tie(9), null);
      expect(governor.choose(place())).toBe(false);
    }
  });

  test("a near tie among legal tokens is computed again, once, and counted", () => {
    const governor = new Governor(policy({ recheckBelow: 1 }));
    governor.choose(place());
    expect(governor.again(tie(2), null)).toBe(false);
    governor.choose(place());
    expect(governor.again(tie(0.5), null)).toBe(true);
    governor.repeated(tie(0.2), null);
    governor.choose(place());
    expect(governor.again(tie(0.5), Uint32Array.of(0b1101))).toBe(false); // its rival is not legal
    expect(governor.counts).toEqual({ low: 2, full: 0, rechecked: 1 });
  });

  test("a full step is never repeated", () => {
    const governor = new Governor(policy({ recheckBelow: 1 }, { when: { positions: ["move"] } }));
    expect(governor.choose(place({ position: "move" }))).toBe(true);
    expect(governor.again(tie(0), null)).toBe(false);
  });
});

test("margin and entropy are those of the softmax over the legal tokens", () => {
  fc.assert(
    fc.property(fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 80 }), fc.nat(), (values, seed) => {
      const bits = new Uint32Array((values.length + 31) >>> 5).map((_, i) => Math.imul(seed + i + 1, 0x9e3779b1));
      bits[0]! |= 1;
      const legal = values.filter((_, id) => (bits[id >>> 5]! & (1 << (id & 31))) !== 0).toSorted((a, b) => b - a);
      const weights = legal.map((value) => Math.exp(value - legal[0]!));
      const sum = weights.reduce((a, b) => a + b, 0);
      const entropy = weights.reduce((h, w) => h - (w / sum) * Math.log(w / sum), 0);
      const found = confidenceOf(Float32Array.from(values), bits, true);
      expect(found.margin).toBe(legal.length === 1 ? Infinity : legal[0]! - legal[1]!);
      expect(found.entropy).toBeCloseTo(entropy, 9);
    }),
  );
});

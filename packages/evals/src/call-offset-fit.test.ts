import fc from "fast-check";
import { callMargins, fitOffset, type CallMargin } from "./call-offset-fit.ts";

const turn = (conversation: number, margin: number, called: boolean): CallMargin => ({
  conversation: String(conversation),
  margin,
  called,
});

test("an offset that parts calls from answers is found, and holds on conversations left out", () => {
  const margins = Array.from({ length: 100 }, (_, i) => turn(i, i % 2 === 0 ? 3 + (i % 5) : 2.1 - (i % 7), i % 2 === 0));
  const fit = fitOffset(margins);
  expect(fit.before.hits).toBeLessThan(100);
  expect(fit.offset).toBe(-2.25);
  expect(fit.after.hits).toBe(100);
  expect(fit.crossValidated.hits).toBe(100);
});

test("where no offset is better there is none, and of equally good ones the smallest is taken", () => {
  expect(fitOffset([turn(1, 1, true), turn(2, -1, false)]).offset).toBe(0);
  expect(fitOffset([turn(1, 6, true), turn(2, 0.6, false)]).offset).toBe(-0.75);
  expect(fitOffset([]).offset).toBe(0);
});

test("no offset of the grid decides more turns rightly, and the one that is left out of its own fit never counts for itself", () => {
  const margin = fc.record({
    conversation: fc.nat(30).map(String),
    margin: fc.double({ min: -9, max: 9, noNaN: true }),
    called: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(margin, { maxLength: 80 }), (margins) => {
      const { offset, before, after } = fitOffset(margins);
      const hits = (by: number) => margins.filter((one) => one.margin + by > 0 === one.called).length;
      expect(before.hits).toBe(hits(0));
      expect(after.hits).toBe(hits(offset));
      for (let by = -8; by <= 8; by += 0.25) expect(hits(by)).toBeLessThanOrEqual(after.hits);
    }),
  );
  // Two conversations that contradict each other: each is decided by what the other asks for.
  expect(fitOffset([turn(1, 0.6, false), turn(2, -0.6, true)]).crossValidated.hits).toBe(0);
});

test("the margin is between opening a call and the best legal token beside it", async () => {
  const asked: unknown[] = [];
  const step = { id: 0, position: "move" as const, logits: Float32Array.of(1, 9, 4, 2.5), legal: Uint32Array.of(0b1101) };
  const margins = await callMargins(
    {
      trace: async (request) => {
        asked.push([request.moves?.answer, request.sampling, request.maxTokens]);
        const forced = request.moves !== undefined;
        const none = {
          message: { role: "assistant" as const },
          prompt: { computed: 0, cached: 0 },
          promptMs: 0,
          replyMs: 0,
          precision: null,
        };
        return { ...none, ids: [forced ? 3 : 2], steps: forced ? [] : [step] };
      },
    },
    [
      {
        id: "c",
        kind: "single",
        tools: [{ name: "t", description: "", input: { type: "object" } }],
        messages: [
          { role: "user", content: "do" },
          { role: "assistant", calls: [{ id: "1", name: "t", input: {} }] },
          { role: "tool", callId: "1", name: "t", output: 1 },
          { role: "assistant", content: "done" },
        ],
      },
    ],
  );
  expect(margins).toEqual([
    { conversation: "c", margin: -1.5, called: true },
    { conversation: "c", margin: -1.5, called: false },
  ]);
  expect(asked[1]).toEqual([undefined, { callOffset: 0 }, 1]);
});

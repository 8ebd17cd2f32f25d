/** What every agent promises, held by agents on the embedded model; and one of its runs on tape, played again without it. */
import { createAgent, run, tool, type Tool } from "@orrery/agent";
import { agentContract, record, replay, type ContractSettings, type MakeAgent } from "@orrery/agent/testing";
import { loadModel, type LoadedModel } from "@orrery/runtime";
import { PassThrough } from "node:stream";
import { z } from "zod";

const tools: readonly Tool[] = [
  tool({
    name: "get_weather",
    description: "Gets the weather in a city.",
    input: z.object({ city: z.string() }),
    async *run({ city }) {
      yield "asking";
      return { city, sky: "rain", celsius: 7 };
    },
  }),
  tool({
    name: "send_message",
    description: "Sends a message to a person.",
    input: z.object({ to: z.string(), text: z.string() }),
    effects: "external",
    run: async () => "sent",
  }),
];

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel();
});
afterAll(() => model.dispose());

const make: MakeAgent = (settings: ContractSettings) =>
  createAgent({ model, tools, instructions: "You are a helpful assistant with access to tools.", ...settings });

describe("on Orrery Mini", () => {
  const seen = { moves: 0, asked: 0 };
  // Three places of a run are enough here: a run takes a second and a half of a core.
  test.each(agentContract(make, { task: "Send a message to Ada: the meeting is at noon.", samples: 3 }))("$name", async ({ check }) => {
    const { moves, asked } = await check();
    seen.moves += moves;
    seen.asked += asked;
  });

  test("calls were made, and asked for", () => {
    expect(seen.moves).toBeGreaterThan(5);
    expect(seen.asked).toBeGreaterThan(1);
  });
});

test("a run of Orrery Mini is played again without it", async () => {
  const stream = new PassThrough();
  const tape = record(stream);
  const options = { approve: () => true };
  const first = await run(createAgent({ model: tape.model(model), tools: tape.tools(tools) }), "What is the weather in Oslo?", options);
  await Promise.all([
    tape.close(),
    (async () => {
      const played = await replay(stream);
      expect(played.model.id).toBe(model.id);
      const again = await run(createAgent({ model: played.model, tools: played.tools(tools) }), "What is the weather in Oslo?", options);
      played.assertComplete();
      expect([again.messages, again.usage, again.stats]).toEqual([first.messages, first.usage, first.stats]);
      expect(first.steps.length).toBeGreaterThan(0);
    })(),
  ]);
});

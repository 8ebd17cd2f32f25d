/** The AI SDK's agent over its own mock model. */
import { ToolLoopAgent, tool as aiTool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { input, TASK } from "./task.mjs";

const usage = { inputTokens: { total: 0 }, outputTokens: { total: 0 } };
const aiAgent = new ToolLoopAgent({
  model: new MockLanguageModelV4({
    doGenerate: async ({ prompt }) =>
      prompt.at(-1).role === "user"
        ? {
            content: [{ type: "tool-call", toolCallId: "call-1", toolName: "add", input: '{"a":1,"b":2}' }],
            finishReason: { unified: "tool-calls" },
            usage,
            warnings: [],
          }
        : { content: [{ type: "text", text: "3" }], finishReason: { unified: "stop" }, usage, warnings: [] },
  }),
  tools: { add: aiTool({ description: "Adds.", inputSchema: input, execute: async ({ a, b }) => a + b }) },
});
export const one = async () => (await aiAgent.generate({ prompt: TASK })).text;

/** LangGraph's prebuilt agent over a fake chat model. */
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { tool as langTool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { input, TASK } from "./task.mjs";

class Instant extends FakeListChatModel {
  bindTools() {
    return this;
  }
  async _generate(messages) {
    const message =
      messages.at(-1) instanceof ToolMessage
        ? new AIMessage("3")
        : new AIMessage({ content: "", tool_calls: [{ id: "call-1", name: "add", args: { a: 1, b: 2 } }] });
    return { generations: [{ message, text: String(message.content) }] };
  }
}
const graph = createReactAgent({
  llm: new Instant({ responses: ["3"] }),
  tools: [langTool(async ({ a, b }) => String(a + b), { name: "add", description: "Adds.", schema: input })],
});
export const one = async () => String((await graph.invoke({ messages: [{ role: "user", content: TASK }] })).messages.at(-1).content);

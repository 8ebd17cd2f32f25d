/** Gemma 3's renderer against Google's template, and what the template has no words for. */
import type { Message, ToolSpec } from "@orrery/chat";
import { byteTokenizer, saying, templatePrompt, templateSource } from "./fixtures.test.support.ts";
import { GEMMA3 } from "./gemma3.ts";
import { encodeSegments, spellSegments } from "./segments.ts";

const TEMPLATE = templateSource("gemma3");
const tokenizer = byteTokenizer(["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]);

const spell = (messages: readonly Message[], tools: readonly ToolSpec[] = []) =>
  spellSegments(GEMMA3.render(messages, tools).flatMap(({ segments }) => segments));

const user = (content: string): Message => ({ role: "user", content });
const model = (content: string): Message => ({ role: "assistant", content });
const system: Message = { role: "system", content: " Be brief.\n" };

test.each<[string, Message[]]>([
  ["a question", [user(" Hi ")]],
  ["a system text", [system, user("Hi")]],
  ["several turns", [system, user("Hi"), model(" Hello! "), user("Bye")]],
])("%s is rendered as the template does, byte for byte", (_, messages) => {
  expect(spell(messages)).toBe(templatePrompt(TEMPLATE, messages, []));
});

test("tools are told in the first turn, calls are a JSON list, results are the user's", () => {
  const tool: ToolSpec = { name: "add", description: "Adds.", input: { type: "object", properties: { a: { type: "number" } } } };
  const call = (id: string, a: number) => ({ id, name: "add", input: { a } });
  expect(
    spell(
      [
        system,
        user("Add."),
        { role: "assistant", calls: [call("1", 1), call("2", 2)] },
        { role: "tool", callId: "1", name: "add", output: { sum: 1 } },
        { role: "tool", callId: "2", name: "add", output: "two" },
        model("Done."),
      ],
      [tool],
    ),
  ).toBe(`<bos><start_of_turn>user
 Be brief.


You have access to functions. If you decide to invoke any of the function(s), you MUST put it in the format of
[{"name": function name, "parameters": dictionary of argument name and its value}]
You SHOULD NOT include any other text in the response if you call a function
[
  {
    "name": "add",
    "description": "Adds.",
    "parameters": {
      "type": "object",
      "properties": {
        "a": {
          "type": "number"
        }
      }
    }
  }
]

Add.<end_of_turn>
<start_of_turn>model
[{"name": "add", "parameters": {"a": 1}}, {"name": "add", "parameters": {"a": 2}}]<end_of_turn>
<start_of_turn>user
\`\`\`tool_output
{"sum": 1}
\`\`\`

\`\`\`tool_output
two
\`\`\`<end_of_turn>
<start_of_turn>model
Done.<end_of_turn>
<start_of_turn>model
`);
});

test("text that spells control tokens stays text, wherever it comes from", () => {
  const controls = (word: string) => {
    const { messages, tools } = saying(word);
    return encodeSegments(
      GEMMA3.render(messages, tools).flatMap(({ segments }) => segments),
      tokenizer,
    ).filter((id) => id > 255);
  };
  expect(controls([...tokenizer.control.keys()].join(" "))).toEqual(controls("harmless"));
});

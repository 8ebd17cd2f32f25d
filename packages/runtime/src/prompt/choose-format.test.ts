/** Which format a checkpoint has. */
import { chooseFormat } from "./choose-format.ts";
import { byteTokenizer, miniTokenizer, templateSource } from "./fixtures.test.support.ts";
import { FUNCTION_GEMMA_FORMAT, GEMMA4_FORMAT, type NativeFormat } from "./format.ts";
import { GEMMA3 } from "./gemma3.ts";

const tokensOf = ({ name: _name, calls: _calls, thoughtChannel: _channel, ...tokens }: NativeFormat) =>
  byteTokenizer(Object.values(tokens).filter((token) => token !== "")).control;
const gemma3 = byteTokenizer(["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]).control;
const template = (source: string | undefined) => ({ source, bos: "", eos: "<|end|>" });

test("the vocabulary decides", () => {
  expect(chooseFormat({ control: miniTokenizer().control }).version).toBe("gemma4 1");
  expect(chooseFormat({ control: tokensOf(FUNCTION_GEMMA_FORMAT), template: template(templateSource("gemma3")) }).format).toBe(
    FUNCTION_GEMMA_FORMAT,
  );
  expect(chooseFormat({ control: gemma3 })).toBe(GEMMA3);
});

test("a large Gemma 4 is told by its weights, or else by its template", () => {
  const control = tokensOf(GEMMA4_FORMAT);
  const empty = template("{{- '<|channel>thought\\n<channel|>' -}}");
  expect(chooseFormat({ control, largeGemma4: true }).version).toBe("gemma4 large 1");
  expect(chooseFormat({ control, largeGemma4: false, template: empty }).version).toBe("gemma4 1");
  expect(chooseFormat({ control, template: empty }).version).toBe("gemma4 large 1");
  expect(chooseFormat({ control, template: template("{{- '<|turn>' -}}") }).version).toBe("gemma4 1");
});

test("otherwise the checkpoint's template, and without one the format whose tokens are said to be missing", () => {
  const granite = byteTokenizer(["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"]).control;
  expect(chooseFormat({ control: granite, template: template(templateSource("granite-4.0")) }).format.name).toBe("granite");
  const other = byteTokenizer(["<|im_start|>", "<|end|>"]).control;
  expect(chooseFormat({ control: other, template: template("{{ messages[0].content }}<|end|>") }).format.name).toBe("template");
  for (const none of [undefined, template(undefined), template("")])
    expect(chooseFormat({ control: granite, ...(none && { template: none }) }).format).toBe(GEMMA4_FORMAT);
});

test("two templates are two versions", () => {
  const control = byteTokenizer(["<|end|>"]).control;
  const [one, other] = ["{{ messages[0].content }}", "{{ messages[-1].content }}"].map((source) =>
    chooseFormat({ control, template: template(source) }),
  );
  expect(one!.version).not.toBe(other!.version);
});

/** Reading a tokenizer from a checkpoint folder. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chatTemplate } from "./chat-template.ts";
import { loadChatTemplate, loadTokenizer } from "./load.ts";

test("the embedded model's folder gives its tokenizer", async () => {
  const tokenizer = await loadTokenizer(fileURLToPath(new URL("../../../model/data/", import.meta.url)));
  expect(tokenizer.size).toBe(49_152);
});

test("a folder without a tokenizer, and a file that is cut short, are errors that name the path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
  await expect(loadTokenizer(folder)).rejects.toMatchObject({
    code: "tokenizer/no-file",
    message: expect.stringContaining(folder) as string,
  });
  await writeFile(join(folder, "tokenizer.json"), `{"model": {"vocab": {"a"`);
  await expect(loadTokenizer(folder)).rejects.toMatchObject({
    code: "tokenizer/bad-json",
    message: expect.stringContaining("tokenizer.json") as string,
  });
});

test("a chat template is a file of its own, or in tokenizer_config.json, alone or named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "template-"));
  expect(await loadChatTemplate(folder)).toEqual({ source: undefined, bos: "", eos: "" });
  await writeFile(join(folder, "tokenizer_config.json"), `{"chat_template":"a","bos_token":"<s>","eos_token":{"content":"</s>"}}`);
  expect(await loadChatTemplate(folder)).toEqual({ source: "a", bos: "<s>", eos: "</s>" });
  await writeFile(join(folder, "chat_template.jinja"), "b");
  expect(await loadChatTemplate(folder)).toMatchObject({ source: "b" });
  const named = (...names: string[]) => chatTemplate({ chat_template: names.map((name) => ({ name, template: `of ${name}` })) }).source;
  expect([named("tool_use", "default"), named("tool_use"), named("rag")]).toEqual(["of default", "of tool_use", undefined]);
  for (const odd of [null, 1, { chat_template: 3, bos_token: [], eos_token: {} }, { chat_template: [null, {}] }])
    expect(chatTemplate(odd)).toEqual({ source: undefined, bos: "", eos: "" });
});

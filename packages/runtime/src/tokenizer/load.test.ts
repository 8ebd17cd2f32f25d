/** Reading a tokenizer from a checkpoint folder. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTokenizer } from "./load.ts";

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

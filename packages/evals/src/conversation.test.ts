import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConversations } from "./conversation.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-conversations-"));
});
afterEach(() => rm(folder, { recursive: true }));

const GOOD = JSON.stringify({ id: "a", tools: [], messages: [{ role: "user", content: "hi" }] });

async function file(text: string): Promise<string> {
  const path = join(folder, "c.jsonl");
  await writeFile(path, text);
  return path;
}

test("blank lines are no conversations, and lines are counted as an editor counts them", async () => {
  expect(readConversations(await file(`\n${GOOD}\n\n${GOOD}\n`), 10)).toHaveLength(2);
  const bad = await file(`\n${GOOD}\n\nnot JSON\n`);
  expect(() => readConversations(bad, 10)).toThrow(
    expect.objectContaining({ code: "eval/bad-line", message: expect.stringContaining("line 4") }),
  );
  expect(readConversations(bad, 1)).toHaveLength(1);
});

test("a file that is missing, empty or no file is said to be that", async () => {
  for (const path of [join(folder, "nowhere"), folder, await file("\n")])
    expect(() => readConversations(path, 10)).toThrow(
      expect.objectContaining({ code: "eval/bad-file", message: expect.stringContaining(path), hint: expect.any(String) }),
    );
});

/** Folders of abstracts for tests. In: texts. Out: a library that is gone after the test. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const abstractFile = (title: string, text: string): string =>
  `Title: ${title}\nAuthors: Ann Example; Bo Sample\nYear: 2020\n\n${text}\n`;

export interface TestFolder {
  readonly folder: string;
  readonly indexes: string;
  readonly write: (name: string, content: string | Uint8Array) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export async function testFolder(files: Readonly<Record<string, string>> = {}): Promise<TestFolder> {
  const root = await mkdtemp(join(tmpdir(), "orrery-literature-test-"));
  const folder = join(root, "abstracts");
  await mkdir(folder);
  const write = (name: string, content: string | Uint8Array): Promise<void> => writeFile(join(folder, name), content);
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { folder, indexes: join(root, "indexes"), write, remove: () => rm(root, { recursive: true }) };
}

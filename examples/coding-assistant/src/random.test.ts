/** What random play cannot do: the chart alone keeps the rules, whatever the model is. */
import { run } from "@orrery/agent";
import { randomModel } from "@orrery/agent/testing";
import { cp, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCoder, openRepository, type TestResult } from "./index.ts";

let outer: string;
beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), "orrery-coding-random-"));
});
afterEach(() => rm(outer, { recursive: true }));

const REPO = fileURLToPath(new URL("../repo", import.meta.url));
const GAMES = 200;
/** What random inputs may be refused for: a search for white space, an edit into the same text. */
const HARMLESS = ["search_files tool/bad-query", "edit_file tool/no-change"];

async function snapshot(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    found[path] = entry.isFile() ? await readFile(path, "utf8") : entry.isSymbolicLink() ? `→ ${await readlink(path)}` : "folder";
  }
  return found;
}

/** Red in a way that depends on the files, so that games go on, turn back and sometimes end well. */
async function verdict(root: string, game: number): Promise<TestResult> {
  const text = await readFile(join(root, "src/price.js"), "utf8");
  const failed = (text.length + game) % 4;
  const failures = failed === 0 ? [] : [{ test: "withTax adds 19 percent", file: "test/price.test.js", expected: "11900", actual: "3" }];
  return { passed: 38 - failed, failed, failures };
}

test(`${GAMES} random games never leave the folder, never write without a yes, never miss, never touch a test`, async () => {
  const seen = { edits: 0, undone: 0, denied: 0, illegal: 0, statuses: new Set<string>() };
  const root = join(outer, "repo");
  await cp(REPO, root, { recursive: true });
  await writeFile(join(outer, "secret.js"), "export const secret = 1;\n");
  await symlink(join(outer, "secret.js"), join(root, "src/link.js"));
  await symlink(outer, join(root, "up"));
  const before = await snapshot(outer);
  const repository = await openRepository(root);
  for (let game = 0; game < GAMES; game++) {
    const allowed: string[] = [];
    const lazy = game % 5 === 0; // nobody says yes
    const agent = createCoder(randomModel(game, { illegal: game % 3 === 0 ? 0.2 : 0 }), repository, {
      test: () => verdict(root, game),
      edits: game % 2 === 0 ? "small" : "free",
      tries: 3,
    });
    const result = await run(
      agent,
      game % 4 === 0 ? "Set TAX_RATE to 0.2 in src/price.js" : "A test fails. Fix src/price.js, src/link.js or up/secret.js.",
      {
        approve: ({ input }) => !lazy && (game + allowed.length) % 7 !== 6 && allowed.push(String(input["path"])) > 0,
      },
    );
    seen.statuses.add(result.status);
    seen.illegal += result.illegal;
    let made = 0;
    for (const { tool, error, output } of result.steps) {
      if (tool === "edit_file" && output !== undefined) made++;
      if (tool === "undo_edit") seen.undone++;
      if (error?.code === "tool/denied") seen.denied++;
      else if (error) expect(HARMLESS).toContain(`${tool} ${error.code}`);
      expect(JSON.stringify(output ?? null)).not.toContain("secret = 1");
    }
    expect(made).toBeLessThanOrEqual(allowed.length);
    seen.edits += made;
    const after = await snapshot(outer);
    const changed = Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path]);
    for (const path of changed) expect([...new Set(allowed)].map((each) => join(root, each))).toContain(path);
    expect(changed.filter((path) => /test|package\.json|README|secret|link/.test(path.slice(root.length)))).toEqual([]);
    for (const path of changed) await writeFile(path, before[path]!);
  }
  // The games are worth something only if they go far enough.
  expect(seen.edits).toBeGreaterThan(GAMES);
  expect(Math.min(seen.undone, seen.denied, seen.illegal)).toBeGreaterThan(10);
  expect([...seen.statuses].sort()).toEqual(["answered", "ended"]);
}, 300_000);

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUGS, practice, runTests } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-run-tests-"));
  await mkdir(join(folder, "test"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, body: string): Promise<void> =>
  writeFile(join(folder, "test", `${name}.test.js`), `import assert from "node:assert/strict";\nimport test from "node:test";\n${body}\n`);

test("the clean repository is green", async () => {
  await using copy = await practice();
  expect(await runTests(copy.folder)).toEqual({ passed: 38, failed: 0, failures: [] });
});

test.each(BUGS.map((bug) => [bug.name, bug] as const))("the bug %s makes it red", async (_, bug) => {
  await using copy = await practice(bug);
  const { failed, failures } = await runTests(copy.folder);
  expect(failed).toBeGreaterThan(0);
  expect(failures.map(({ file }) => file)).toContain(bug.file.replace("src", "test").replace(".js", ".test.js"));
});

test("a failure says what was expected and what came, or which error", async () => {
  await write("a", 'test("one", () => assert.equal(1, 2));\ntest("two", () => { nothing(); });\ntest("three", () => assert.ok(false));');
  expect(await runTests(folder)).toEqual({
    passed: 0,
    failed: 3,
    failures: [
      { test: "one", file: "test/a.test.js", expected: "2", actual: "1" },
      { test: "two", file: "test/a.test.js", error: "ReferenceError: nothing is not defined" },
    ],
  });
});

test("a file that cannot be read as code is a failure", async () => {
  await write("a", "test((;");
  expect(await runTests(folder)).toMatchObject({ passed: 0, failed: 1 });
});

test("what tests print is not taken for a result, and not kept without bound", async () => {
  await write("a", 'console.log("not ok 1\\n".repeat(300_000));\ntest("one", () => {});');
  await expect(runTests(folder)).rejects.toThrow(expect.objectContaining({ code: "coder/no-tests" }) as Error);
  await write(
    "a",
    'console.log(JSON.stringify({ passed: false, name: "x" }));\nprocess.stdout.write("no line feed");\ntest("one", () => {});',
  );
  expect(await runTests(folder)).toEqual({ passed: 1, failed: 0, failures: [] });
});

test("tests cannot write, start a process or read outside, and see no secrets", async () => {
  process.env["ORRERY_TEST_SECRET"] = "x";
  await write(
    "a",
    `import { readFileSync, writeFileSync } from "node:fs";
import { execSync } from "node:child_process";
const denied = { code: "ERR_ACCESS_DENIED" };
test("write", () => assert.throws(() => writeFileSync("x", ""), denied));
test("read", () => assert.throws(() => readFileSync("/etc/hosts"), denied));
test("start", () => assert.throws(() => execSync("true"), denied));
test("secrets", () => assert.equal(process.env.ORRERY_TEST_SECRET, undefined));`,
  );
  try {
    expect(await runTests(folder)).toEqual({ passed: 4, failed: 0, failures: [] });
  } finally {
    delete process.env["ORRERY_TEST_SECRET"];
  }
});

test("tests that do not end are killed", async () => {
  await write("a", 'test("one", () => { for (;;); });');
  await expect(runTests(folder, { timeoutMs: 1500 })).rejects.toThrow(expect.objectContaining({ code: "coder/tests-timeout" }) as Error);
  await expect(runTests(folder, { signal: AbortSignal.timeout(1000) })).rejects.toThrow();
});

test("a folder without tests is an error", async () => {
  await expect(runTests(folder)).rejects.toThrow(expect.objectContaining({ code: "coder/no-tests" }) as Error);
});

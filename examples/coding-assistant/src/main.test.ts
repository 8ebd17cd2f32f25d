import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.js", import.meta.url));
const command = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000 });

test("--help lists the bugs", () => {
  const { status, stdout } = command("--help");
  expect([status, stdout]).toEqual([0, expect.stringContaining("free-shipping")]);
});

test.each([
  [["--bug", "nothing"], "--repo <dir>"],
  [["--tries", "0"], "--tries <n>"],
  [["--unknown"], "--unknown"],
  [["--repo", "/no/such/folder"], "folder not found: /no/such/folder"],
])("%p ends with 2 and says why, before a model is loaded", (args, said) => {
  const { status, stderr } = command(...args);
  expect([status, stderr]).toEqual([2, expect.stringContaining(said)]);
});

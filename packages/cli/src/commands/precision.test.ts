import { scriptedModel } from "@orrery/chat/testing";
import { parsePolicy } from "@orrery/runtime";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import type { Engine } from "../host.ts";
import { Outside } from "../testing/outside.ts";

type Options = Parameters<Engine["measurePrecision"]>[0];
type Report = Awaited<ReturnType<Engine["measurePrecision"]>>;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-precision-"));
});
afterEach(() => rm(folder, { recursive: true }));

function outside(): { measured: Options[]; out: Outside } {
  const measured: Options[] = [];
  const engine: Partial<Engine> = {
    parsePolicy,
    readConversations: (file, limit) => [{ id: `${String(file)} ${limit}`, kind: "", tools: [], messages: [] }],
    measurePrecision: async (options) => {
      measured.push(options);
      options.onTurn?.(1, 1);
      return { model: "m" } as Report;
    },
    precisionTable: ({ model }) => `table of ${model}`,
    precisionChart: () => "<svg/>",
  };
  return { measured, out: new Outside(scriptedModel([]), folder, { engine }) };
}

test("directories, files and the policy reach the measurement; table and picture come back", async () => {
  const policy = { format: 1, otherwise: "low", rules: [{ name: "prompt", when: { phase: "prefill" }, use: "full" }] };
  await writeFile(join(folder, "policy.json"), JSON.stringify(policy));
  const { measured, out } = outside();
  const argv =
    "precision sliced c.jsonl --reference f32 --fixed int8 --fixed int4 --also paired --limit 3 --policy policy.json --svg p.svg";
  expect(await cli(argv.split(" "), out.host)).toBe(EXIT.ok);
  expect(out.out).toBe("table of m\n");
  expect(await readFile(join(folder, "p.svg"), "utf8")).toBe("<svg/>");
  const [options] = measured;
  expect(options).toMatchObject({
    reference: join(folder, "f32"),
    fixed: [join(folder, "int8"), join(folder, "int4")],
    choosing: [join(folder, "sliced"), join(folder, "paired")],
    conversations: [{ id: `${join(folder, "c.jsonl")} 3` }],
  });
  expect(options!.policy.rules).toEqual([{ name: "prompt", enabled: true, when: { phase: "prefill" }, use: "full" }]);
});

test("a picture that cannot be written costs the picture, not the table", async () => {
  const { out } = outside();
  expect(await cli(["precision", "d", "f", "--reference", "r", "--svg", "nowhere/p.svg"], out.host)).toBe(EXIT.failed);
  expect(out.out).toBe("table of m\n");
  expect(out.err).toContain("p.svg");
});

test("--json prints the report", async () => {
  const { out } = outside();
  expect(await cli(["precision", "d", "f", "--reference", "r", "--json"], out.host)).toBe(EXIT.ok);
  expect(JSON.parse(out.out)).toEqual({ model: "m" });
});

test.each([
  [["precision", "d"], EXIT.usage, "takes the directory"],
  [["precision", "d", "f"], EXIT.usage, "--reference"],
  [["precision", "d", "f", "--reference", "r", "--limit", "0"], EXIT.usage, "--limit"],
  [["precision", "d", "f", "--reference", "r", "--policy", "missing.json"], EXIT.failed, "cannot be read as a policy"],
  [["precision", "d", "f", "--reference", "r", "--policy", "bad.json"], EXIT.failed, "the precision policy does not fit"],
] as const)("%j is refused before a model is loaded", async (argv, code, words) => {
  await writeFile(join(folder, "bad.json"), '{"format":1,"otherwise":"half","rules":[]}');
  const { measured, out } = outside();
  expect(await cli(argv, out.host)).toBe(code);
  expect(out.err).toContain(words);
  expect(measured).toEqual([]);
});

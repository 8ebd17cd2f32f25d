/** Reading, running and counting of schema suites, with an engine that knows which texts it accepts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { OrreryError, type Json } from "@orrery/chat";
import { schemaSuite } from "./command.js";
import { readSuites, type SchemaGroup, type SuiteFile } from "./read.js";
import { runGroup, type SuiteEngine, type SuiteOptions, type SuiteState } from "./run.js";
import { suiteTable } from "./table.js";
import { Tally } from "./tally.js";

const OPTIONS: SuiteOptions = { draft: "2020-12", formats: "annotate", remotes: new Map() };

/** `enum` holds the values that the grammar of a schema accepts; a token is a UTF-16 unit. */
const engine: SuiteEngine = {
  encode: (text) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)),
  compile(schema) {
    if (schema === false) throw new OrreryError("constraint/unsatisfiable", "no value");
    if (typeof schema !== "object" || schema === null || !("enum" in schema))
      throw new OrreryError("constraint/unsupported", "the schema: at '/a': the keyword 'k', the name 'x' and \"y\"");
    const texts = (schema["enum"] as readonly Json[]).map((value) => JSON.stringify(value));
    if (texts.includes('"boom"')) throw new TypeError("broken");
    const state = (read: string): SuiteState => ({
      mask: () => ({ has: (id) => texts.some((text) => text.startsWith(read + String.fromCharCode(id))) }),
      advance: (id) => {
        if (texts.includes('"late"')) throw new RangeError("too late");
        return state(read + String.fromCharCode(id));
      },
      done: false,
      mayEnd: texts.includes(read),
    });
    return { start: () => state("") };
  },
};

const group = (schema: Json, ...tests: [data: Json, valid: boolean][]): SchemaGroup => ({
  description: "",
  schema,
  tests: tests.map(([data, valid], i) => ({ description: `case ${i}`, data, valid })),
});

describe("a group", () => {
  test("is clean when every case is judged as it says", () => {
    const result = runGroup(group({ enum: ["ab", 12] }, ["ab", true], [12, true], ["a", false], [1, false], [123, false]), engine, OPTIONS);
    expect(result).toEqual({ compiled: true, failures: [] });
  });

  test("tells refused valid cases from accepted invalid ones", () => {
    const result = runGroup(group({ enum: ["ab"] }, ["a", true], ["ab", false]), engine, OPTIONS);
    expect(result).toMatchObject({
      failures: [
        { kind: "refused-valid", data: "a" },
        { kind: "accepted-invalid", data: "ab" },
      ],
    });
  });

  test("of an unsatisfiable schema refuses everything", () => {
    expect(runGroup(group(false, [1, false]), engine, OPTIONS)).toEqual({ compiled: true, failures: [] });
    expect(runGroup(group(false, [1, true]), engine, OPTIONS)).toMatchObject({ failures: [{ kind: "refused-valid" }] });
  });

  test("that is refused has a reason without names and places; what breaks is no refusal", () => {
    expect(runGroup(group({}, [1, true]), engine, OPTIONS)).toEqual({
      compiled: false,
      crashed: false,
      reason: "constraint/unsupported: the keyword 'k', the name … and …",
    });
    expect(runGroup(group({ enum: ["boom"] }, [1, true]), engine, OPTIONS)).toMatchObject({ compiled: false, crashed: true });
    const late = runGroup(group({ enum: ["late"] }, ["late", true], [1, false]), engine, OPTIONS);
    expect(late).toMatchObject({ failures: [{ kind: "crashed", reason: "RangeError: too late" }] });
  });
});

test("every case counts once", () => {
  const tally = new Tally();
  const groups = [
    group({ enum: [1] }, [1, true], [2, false]),
    group({ enum: [1] }, [1, false], [2, true], [3, false]),
    group({}, [1, true]),
    group({ enum: ["boom"] }, [1, true], [2, true]),
  ];
  groups.forEach((one, i) => tally.add(i < 2 ? "a" : "b", one, runGroup(one, engine, OPTIONS)));
  const total = {
    groups: 4,
    compiled: 2,
    clean: 1,
    cases: 8,
    cleanCases: 3,
    refusedValid: 1,
    acceptedInvalid: 1,
    unsupported: 1,
    crashed: 2,
  };
  expect(tally.total).toEqual(total);
  expect(tally.rows.get("a")).toMatchObject({ groups: 2, cases: 5 });
  expect(suiteTable(tally)).toContain("constraint/unsupported: the keyword 'k', the name … and …");
  expect(suiteTable(tally)).toMatch(/^all +2\/4 +1 +3\/8 +1 +1 +1 +2$/m);
});

describe("files", () => {
  let folder: string;
  const put = (path: string, content: unknown) => {
    const file = join(folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(file, path.endsWith(".gz") ? gzipSync(text) : text);
    return file;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "suite-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const read = (...paths: string[]): [SuiteFile[], string[]] => {
    const passedOver: string[] = [];
    return [[...readSuites(paths, (path) => passedOver.push(path))], passedOver];
  };
  const one = { schema: { enum: [1] }, tests: [{ data: 1, valid: true }] };

  test("a checkout of the suite: drafts and formats by path, remotes from its folder", () => {
    put("remotes/nested/a.json", { type: "null" });
    put("tests/draft7/type.json", [{ description: "d", ...one }]);
    put("tests/draft2020-12/optional/format/date.json", [one]);
    const [files, passedOver] = read(folder);
    expect(passedOver).toEqual([]);
    expect(files.map(({ draft, formats, groups }) => [draft, formats(groups[0]!)])).toEqual([
      ["2020-12", "assert"],
      ["07", "annotate"],
    ]);
    expect(files[1]!.row(files[1]!.groups[0]!)).toMatch(/^suite-\w+\/tests\/draft7\/type\.json$/);
    expect(files[1]!.remotes).toEqual(new Map([["http://localhost:1234/nested/a.json", { type: "null" }]]));
  });

  test("gathered files: a group's own file is its row, and tells whether formats assert", () => {
    put("remotes.json.gz", { "a.json": true });
    const file = put("draft7.json.gz", [
      { file: "optional/format/date.json", ...one },
      { file: "type.json", ...one },
    ]);
    const [[suite]] = read(file);
    expect(suite!.groups.map((of) => [suite!.row(of), suite!.formats(of)])).toEqual([
      [`${basename(folder)}/draft7.json.gz: optional/format/date.json`, "assert"],
      [`${basename(folder)}/draft7.json.gz: type.json`, "annotate"],
    ]);
    expect([suite!.draft, suite!.remotes.size]).toEqual(["07", 1]);
  });

  test("MaskBench: one object a file counts for its folder, one a line for the file", () => {
    put("bench/a.json", { meta: {}, ...one });
    put("bench/b.json", one);
    const lines = put("all.jsonl", `${JSON.stringify(one)}\n\n${JSON.stringify(one)}\n`);
    const [files] = read(join(folder, "bench"), join(folder, "bench/a.json"), lines);
    expect(files.flatMap((file) => file.groups.map((of) => [file.row(of), file.formats(of)]))).toEqual([
      ["bench", "assert"],
      ["bench", "assert"],
      ["bench", "assert"],
      [`${basename(folder)}/all.jsonl`, "assert"],
      [`${basename(folder)}/all.jsonl`, "assert"],
    ]);
  });

  describe("the command", () => {
    const run = async (...args: string[]): Promise<[number, string[]]> => {
      const lines: string[] = [];
      const code = await schemaSuite(
        args,
        () => Promise.resolve(engine),
        (line) => lines.push(line),
      );
      return [code, lines];
    };

    test("reports, lists what fails, and its exit code tells of accepted invalid cases only", async () => {
      const refused = put("refused.json", [
        { description: "g", schema: { enum: [1] }, tests: [{ description: "t", data: 2, valid: true }] },
      ]);
      const accepted = put("accepted.json", [{ schema: { enum: [1] }, tests: [{ data: 1, valid: false }] }]);
      const [code, lines] = await run(refused, "--list");
      expect([code, lines[0]]).toEqual([0, `refused-valid  ${basename(folder)}/refused.json: g: t: 2`]);
      const [failed, [json]] = await run(folder, "--json", "--list");
      expect(failed).toBe(1);
      expect(JSON.parse(json!)).toMatchObject({
        total: { groups: 2, acceptedInvalid: 1, refusedValid: 1 },
        rows: { [`${basename(folder)}/accepted.json`]: { acceptedInvalid: 1 } },
        passedOver: [],
        failures: [{ kind: "accepted-invalid", data: 1 }, { kind: "refused-valid" }],
      });
      expect(await run(accepted)).toEqual([1, [expect.stringContaining("accepted-invalid")]]);
    });

    test("options that are not understood", async () => {
      for (const args of [[], [folder, "--formats", "on"], [folder, "--order", "none"]])
        await expect(run(...args)).rejects.toMatchObject({ code: "eval/bad-option" });
    });
  });

  test("what is no suite is an error when it was named, and passed over in a folder", () => {
    const other = put("package.json", { name: "x" });
    const broken = put("broken.json", "{");
    expect(read(folder)).toEqual([[], [broken, other]]);
    for (const path of [other, broken, join(folder, "nowhere")])
      expect(() => read(path)).toThrow(expect.objectContaining({ code: "eval/bad-suite" }));
  });
});

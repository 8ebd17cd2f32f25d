/** Models in several safetensors files: the index says where each tensor lies, and is believed only as far as the shards agree. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../errors.ts";
import { openCheckpoint } from "./checkpoint.ts";

const source = fileURLToPath(new URL("../../fixtures/goldens/granitemoe-shared", import.meta.url));
const INDEX = "model.safetensors.index.json";
const FIRST = "model-00001-of-00003.safetensors";
const SECOND = "model-00002-of-00003.safetensors";
const THIRD = "model-00003-of-00003.safetensors";

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

const whole = readFileSync(join(source, "model.safetensors"));
const dataStart = 8 + Number(whole.readBigUInt64LE());
const header = JSON.parse(whole.toString("utf8", 8, dataStart)) as Header;
const names = Object.keys(header).filter((name) => name !== "__metadata__");

let scratch: string;
let folder: string;
let places: Record<string, string>;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "shards-"));
  folder = join(scratch, "model");
  mkdirSync(folder);
  cpSync(join(source, "config.json"), join(folder, "config.json"));
  places = Object.fromEntries(names.map((name, i) => [name, [FIRST, SECOND, THIRD][i % 3]!]));
  for (const shard of [FIRST, SECOND, THIRD])
    writeShard(
      shard,
      Object.keys(places).filter((name) => places[name] === shard),
    );
  writeIndex({ weight_map: places });
});
afterEach(() => rmSync(scratch, { recursive: true }));

function writeShard(file: string, tensors: readonly string[]): void {
  let end = 0;
  const entries: Header = {};
  const data: Buffer[] = [];
  for (const name of tensors) {
    const { dtype, shape, data_offsets: at } = header[name]!;
    data.push(whole.subarray(dataStart + at[0], dataStart + at[1]));
    entries[name] = { dtype, shape, data_offsets: [end, (end += at[1] - at[0])] };
  }
  const text = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, file), Buffer.concat([length, text, ...data]));
}

function writeIndex(index: unknown): void {
  writeFileSync(join(folder, INDEX), typeof index === "string" ? index : JSON.stringify(index));
}

async function errorOf(path: string): Promise<CheckpointError> {
  const error: unknown = await openCheckpoint(path).then(
    async (checkpoint) => checkpoint.close(),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CheckpointError) return error;
  throw error ?? new Error("it opened");
}

test("three shards give the tensors of one file, bit for bit", async () => {
  const [one, three] = [await openCheckpoint(source), await openCheckpoint(folder)];
  expect([...three.tensors.keys()]).toEqual([...one.tensors.keys()]);
  for (const [name, tensor] of one.tensors) {
    const [a, b] = [await one.readFloats(tensor), await three.readFloats(three.tensor(name))];
    expect([name, Buffer.from(b.buffer).equals(Buffer.from(a.buffer))]).toEqual([name, true]);
  }
  expect(new Set([...three.tensors.values()].flatMap(({ runs }) => runs.map((run) => run.file))).size).toBe(3);
  expect(three.config).toEqual(one.config);
  await one.close();
  await three.close();
});

test("a tensor that the index leaves out is not read from a shard", async () => {
  const { [names[4]!]: _, ...fewer } = places;
  writeIndex({ weight_map: fewer });
  expect(await errorOf(folder)).toMatchObject({ code: "checkpoint/missing-tensor", message: expect.stringContaining(names[4]!) as string });
});

test.each<[what: string, index: () => unknown, code: string, words: RegExp]>([
  [
    "a tensor in another shard",
    () => ({ weight_map: { ...places, [names[0]!]: SECOND } }),
    "missing-tensor",
    /00002-of-00003.*is missing, which the index/,
  ],
  ["a tensor in no shard", () => ({ weight_map: { ...places, more: FIRST } }), "missing-tensor", /00001-of-00003.*"more"/],
  [
    "a shard that is not there",
    () => ({ weight_map: { ...places, [names[0]!]: "model-00004.safetensors" } }),
    "missing-file",
    /index\.json.*00004/,
  ],
  ["a shard above", () => ({ weight_map: { ...places, [names[0]!]: "../model.safetensors" } }), "unsafe-path", /index\.json.*"\.\.\/model/],
  ["a shard below", () => ({ weight_map: { ...places, [names[0]!]: "sub/model.safetensors" } }), "unsafe-path", /"sub\/model/],
  ["a shard by Windows' path", () => ({ weight_map: { ...places, [names[0]!]: "..\\model.safetensors" } }), "unsafe-path", /model/],
  ["a shard by an absolute path", () => ({ weight_map: { ...places, [names[0]!]: "/etc/passwd" } }), "unsafe-path", /"\/etc\/passwd"/],
  ["the directory as a shard", () => ({ weight_map: { ...places, [names[0]!]: "." } }), "unsafe-path", /"\."/],
  ["a name with a zero byte", () => ({ weight_map: { ...places, [names[0]!]: "a\0b" } }), "unsafe-path", /u0000/],
  ["a prototype's name as a shard", () => ({ weight_map: { ...places, [names[0]!]: "__proto__" } }), "missing-file", /__proto__/],
  ["the config as a shard", () => ({ weight_map: { ...places, [names[0]!]: "config.json" } }), "truncated", /config\.json/],
  ["a number as a shard", () => ({ weight_map: { ...places, [names[0]!]: 7 } }), "bad-json", /is in 7, expected a file name/],
  ["a list as a map", () => ({ weight_map: [] }), "bad-json", /weight_map is \[\]/],
  ["no map", () => ({}), "bad-json", /weight_map/],
  ["an empty map", () => ({ weight_map: {} }), "missing-tensor", /embed_tokens/],
  ["a list", () => [], "bad-json", /index\.json: found a list/],
  ["one name twice", () => `{"weight_map":{"a":"${FIRST}","a":"${SECOND}"}}`, "duplicate", /"a" twice/],
])("an index with %s is refused", async (_, index, code, words) => {
  writeIndex(index());
  expect(await errorOf(folder)).toMatchObject({
    code: `checkpoint/${code}`,
    message: expect.stringMatching(words) as string,
    hint: expect.any(String) as string,
  });
});

test("a shard that is a link out of the directory, and one that is a directory, are refused", async () => {
  cpSync(join(folder, SECOND), join(scratch, SECOND));
  rmSync(join(folder, SECOND));
  symlinkSync(join(scratch, SECOND), join(folder, SECOND));
  expect(await errorOf(folder)).toMatchObject({ code: "checkpoint/unsafe-path", message: expect.stringContaining(SECOND) as string });
  rmSync(join(folder, SECOND));
  symlinkSync(join(scratch, "nowhere"), join(folder, SECOND));
  expect(await errorOf(folder)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining(SECOND) as string });
  rmSync(join(folder, SECOND));
  mkdirSync(join(folder, SECOND));
  expect(await errorOf(folder)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining(SECOND) as string });
});

test("a shard that is cut short is named, with the tensor", async () => {
  const bytes = readFileSync(join(folder, THIRD));
  writeFileSync(join(folder, THIRD), bytes.subarray(0, bytes.length - 1));
  expect(await errorOf(folder)).toMatchObject({
    code: "checkpoint/truncated",
    message: expect.stringMatching(/00003-of-00003.*tensor/) as string,
  });
});

test("shards without an index are refused", async () => {
  rmSync(join(folder, INDEX));
  expect(await errorOf(folder)).toMatchObject({ code: "checkpoint/missing-file", message: expect.stringContaining(INDEX) as string });
});

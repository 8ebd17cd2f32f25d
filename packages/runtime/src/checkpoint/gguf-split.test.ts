/** Models in several GGUF files, written here: opened by any part, and refused when the parts are not those of one model. */
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { METADATA, TENSORS, writeGguf, type Value } from "./gguf-writer.test.support.ts";
import { namesOfParts } from "./gguf-split.ts";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "split-gguf-"));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const names = Object.keys(TENSORS);
const DIVISION = [names.slice(0, 1), names.slice(1, 7), names.slice(7)];
const part = (number: number) => `model-0000${number}-of-00003.gguf`;

interface Change {
  readonly metadata?: Record<string, Value>;
  readonly tensors?: readonly string[];
}

/** Writes part `index` (from 0) of three as gguf-split does: metadata in the first, `split.*` in all. */
function writePart(index: number, { metadata = {}, tensors = DIVISION[index]! }: Change = {}): void {
  const split = { "split.no": { u16: index }, "split.count": { u16: 3 }, "split.tensors.count": { u32: names.length } };
  const infos = Object.fromEntries(tensors.map((name) => [name, TENSORS[name]!]));
  const { bytes, headerBytes } = writeGguf({ ...(index === 0 ? METADATA : {}), ...split, ...metadata }, infos);
  const start = (headerBytes + 31) & ~31;
  for (let at = start; at < bytes.length; at++) bytes[at] = (at - start + index) & 0x3b; // no exponent of all ones: no NaN, no infinity
  writeFileSync(join(scratch, part(index + 1)), bytes);
}

function writeAll(): void {
  for (const index of [0, 1, 2]) writePart(index);
}

async function floatsOf(path: string): Promise<{ floats: Record<string, number[]>; hash: string; tokenizer: unknown }> {
  const checkpoint = await openCheckpoint(path);
  const floats: Record<string, number[]> = {};
  for (const [name, tensor] of checkpoint.tensors) floats[name] = [...(await checkpoint.readFloats(tensor))];
  const found = { floats, hash: await checkpoint.hash(), tokenizer: checkpoint.tokenizer };
  await checkpoint.close();
  return found;
}

async function errorOf(path: string): Promise<CheckpointError> {
  const error: unknown = await openCheckpoint(path).then(
    async (checkpoint) => checkpoint.close(),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CheckpointError) return error;
  throw error ?? new Error("it opened");
}

test("names of parts", () => {
  expect(namesOfParts("a-00002-of-00003.gguf")).toEqual(["a-00001-of-00003.gguf", "a-00002-of-00003.gguf", "a-00003-of-00003.gguf"]);
  for (const whole of ["a.gguf", "a-00000-of-00002.gguf", "a-00003-of-00002.gguf", "a-1-of-2.gguf", "a-00001-of-00002.safetensors"])
    expect(namesOfParts(whole)).toEqual([whole]);
});

test("any part, and the directory, opens the whole model", async () => {
  writeAll();
  const whole = await floatsOf(join(scratch, part(1)));
  expect(Object.values(whole.floats).every((floats) => floats.length > 0)).toBe(true);
  expect(new Set(whole.floats["model.layers.0.self_attn.q_proj.weight"]).size).toBeGreaterThan(8);
  expect(whole.tokenizer).not.toBeNull();
  expect(await floatsOf(join(scratch, part(2)))).toEqual(whole);
  expect(await floatsOf(join(scratch, part(3)))).toEqual(whole);
  expect(await floatsOf(scratch)).toEqual(whole);
});

test("one file may say that it is part 1 of 1", async () => {
  const { bytes } = writeGguf({ ...METADATA, "split.count": { u16: 1 }, "split.no": { u16: 0 } }, TENSORS);
  writeFileSync(join(scratch, "model-00001-of-00001.gguf"), bytes);
  await floatsOf(join(scratch, "model-00001-of-00001.gguf"));
  await floatsOf(scratch);
});

test.each([1, 2, 3])("without part %i the others are refused, and the missing one is named", async (missing) => {
  writeAll();
  rmSync(join(scratch, part(missing)));
  for (const path of [scratch, join(scratch, part((missing % 3) + 1))])
    expect(await errorOf(path)).toMatchObject({
      code: "checkpoint/missing-file",
      message: expect.stringContaining(part(missing)) as string,
    });
});

test.each<[what: string, index: number, change: Change, code: string, words: RegExp]>([
  ["another count", 1, { metadata: { "split.count": { u16: 4 } } }, "bad-split", /00002-of-00003.*split\.count is 4, expected 3/],
  ["a count of 2^60", 1, { metadata: { "split.count": { u64: 2n ** 60n } } }, "bad-split", /split\.count is 1152921504606846976/],
  ["another number", 1, { metadata: { "split.no": { u16: 2 } } }, "bad-split", /00002-of-00003.*split\.no is 2, expected 1/],
  ["the first one's number", 2, { metadata: { "split.no": { u16: 0 } } }, "bad-split", /split\.no is 0, expected 2/],
  ["a text for a number", 0, { metadata: { "split.no": { text: "0" } } }, "bad-split", /split\.no is "0", expected 0/],
  ["another count of tensors", 2, { metadata: { "split.tensors.count": { u32: 13 } } }, "bad-split", /00003-of-00003.*is 13, expected 12/],
  [
    "a tensor of another part",
    2,
    { tensors: [...DIVISION[2]!, names[2]!] },
    "duplicate",
    /00003-of-00003.*attn_norm\.weight.*00002-of-00003/,
  ],
  ["a tensor less", 2, { tensors: DIVISION[2]!.slice(1) }, "bad-split", /split\.tensors\.count is 12, expected 11/],
])("a part with %s is refused", async (_, index, change, code, words) => {
  writeAll();
  writePart(index, change);
  expect(await errorOf(join(scratch, part(1)))).toMatchObject({
    code: `checkpoint/${code}`,
    message: expect.stringMatching(words) as string,
    hint: expect.any(String) as string,
  });
});

test("parts in each other's place are refused", async () => {
  writeAll();
  renameSync(join(scratch, part(2)), join(scratch, "x"));
  renameSync(join(scratch, part(3)), join(scratch, part(2)));
  renameSync(join(scratch, "x"), join(scratch, part(3)));
  expect(await errorOf(scratch)).toMatchObject({
    code: "checkpoint/bad-split",
    message: expect.stringContaining("split.no is 2") as string,
  });
});

test("a part under a name that says nothing, and a whole file under a part's name, are refused", async () => {
  writeAll();
  renameSync(join(scratch, part(1)), join(scratch, "renamed.gguf"));
  expect(await errorOf(join(scratch, "renamed.gguf"))).toMatchObject({
    code: "checkpoint/bad-split",
    message: expect.stringMatching(/renamed\.gguf: split\.count is 3/) as string,
  });
  expect(await errorOf(scratch)).toMatchObject({ code: "checkpoint/unsupported" });
  writeFileSync(join(scratch, part(1)), writeGguf(METADATA, TENSORS).bytes);
  expect(await errorOf(join(scratch, part(1)))).toMatchObject({
    code: "checkpoint/bad-split",
    message: expect.stringMatching(/split\.count is missing, expected 3/) as string,
  });
});

test("a part that is cut short is named", async () => {
  writeAll();
  writeFileSync(join(scratch, part(2)), "GGUF");
  expect(await errorOf(scratch)).toMatchObject({ code: "checkpoint/truncated", message: expect.stringContaining(part(2)) as string });
});

test("a link out of the directory is not followed to another part", async () => {
  writeAll();
  const other = join(scratch, "other");
  mkdirSync(other);
  for (const number of [1, 3]) cpSync(join(scratch, part(number)), join(other, part(number)));
  symlinkSync(join(scratch, part(2)), join(other, part(2)));
  expect(await errorOf(join(other, part(1)))).toMatchObject({
    code: "checkpoint/unsafe-path",
    message: expect.stringContaining(part(2)) as string,
  });
  expect(await errorOf(other)).toMatchObject({ code: "checkpoint/unsafe-path" });
});

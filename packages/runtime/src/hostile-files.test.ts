/**
 * Every broken input of fixtures/checkpoint/hostile: an error of the right kind that names what is wrong, and those that are legal load.
 * expected.json says which is which.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OrreryError } from "@orrery/chat";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { readSafetensors } from "./checkpoint/safetensors.ts";
import { WeightFile } from "./checkpoint/weight-file.ts";
import { loadTokenizer } from "./tokenizer/load.ts";

const hostile = fileURLToPath(new URL("../fixtures/checkpoint/hostile/", import.meta.url));

interface Expected {
  readonly kind: string;
  readonly wrong: string;
  readonly names: readonly string[];
}

const expected = Object.entries(JSON.parse(readFileSync(join(hostile, "expected.json"), "utf8")) as Record<string, Expected>);

/** Our code for each kind. Checkpoints and their configs use the same words; tokenizers have their own area. */
const CHECKPOINT_CODES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["truncated", "bad-header", "bad-json", "too-deep", "offsets", "shape", "too-large"],
    ["unknown-dtype", "duplicate", "unsupported", "missing-tensor", "missing-file", "unsafe-path", "bad-config"],
  ].flatMap((kinds) => kinds.map((kind) => [kind, `checkpoint/${kind}`])),
);
const TOKENIZER_CODES: Readonly<Record<string, string>> = {
  "bad-json": "tokenizer/bad-json",
  "bad-tokenizer": "tokenizer/bad-file",
  unsupported: "tokenizer/unsupported",
};

interface Group {
  readonly codes: Readonly<Record<string, string>>;
  open(path: string): Promise<void>;
}

const GROUPS: Readonly<Record<string, Group>> = {
  safetensors: { codes: CHECKPOINT_CODES, open: openHeader },
  gguf: { codes: CHECKPOINT_CODES, open: openWhole },
  checkpoint: { codes: CHECKPOINT_CODES, open: openWhole },
  config: { codes: CHECKPOINT_CODES, open: openConfig },
  tokenizer: { codes: TOKENIZER_CODES, open: async (path) => void (await loadTokenizer(join(path, ".."))) },
};

async function openHeader(path: string): Promise<void> {
  const file = await WeightFile.open(path);
  try {
    readSafetensors(file);
  } finally {
    await file.close();
  }
}

async function openWhole(path: string): Promise<void> {
  const checkpoint = await openCheckpoint(path);
  for (const tensor of checkpoint.tensors.values()) await checkpoint.readFloats(tensor);
  await checkpoint.close();
}

/** Beside weights that hold no tensor: a config that is in order gets as far as missing the first. */
async function openConfig(path: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hostile-config-"));
  try {
    cpSync(path, join(folder, "config.json"));
    writeFileSync(join(folder, "model.safetensors"), Buffer.from("\x02\0\0\0\0\0\0\0{}", "latin1"));
    await openWhole(folder);
  } catch (error) {
    if (!(error instanceof OrreryError && error.code === "checkpoint/missing-tensor")) throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const groupOf = (name: string): Group => GROUPS[name.split("/")[0]!]!;

/** As a message must have it; a name of one letter in quotes, or any word would do. */
function spelt(fact: string, name: string): string {
  if (fact === "file") return basename(name);
  return /^[a-z]$/.test(fact) ? `"${fact}"` : fact;
}

test("there is a file, a way to open it and a code for every entry", () => {
  expect(expected).toHaveLength(110);
  for (const [name, { kind }] of expected) {
    expect([name, existsSync(join(hostile, name)), groupOf(name).codes[kind] ?? kind]).toEqual([
      name,
      true,
      kind === "none" ? "none" : expect.stringContaining("/"),
    ]);
  }
});

test.each(expected.filter(([, { kind }]) => kind === "none"))("%s loads", async (name) => {
  await groupOf(name).open(join(hostile, name));
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test.each(expected.filter(([, { kind }]) => kind !== "none"))(
  "%s is refused, and the message names what is wrong",
  async (name, { kind, names }) => {
    const error: unknown = await groupOf(name)
      .open(join(hostile, name))
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof OrreryError)) throw error ?? new Error("it loaded");
    expect(error.code).toBe(groupOf(name).codes[kind]);
    expect(error.hint).toBeTruthy();
    for (const fact of names) expect(error.message).toContain(spelt(fact, name));
  },
);

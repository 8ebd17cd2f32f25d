import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportModel } from "../export/export.ts";
import { MANIFEST_FILE, type CacheFormat } from "../manifest.ts";
import { openExport } from "../open-export.ts";
import { OLD_BLOCK, RECENT } from "./old-rows.ts";
import { openSession } from "./open.ts";
import type { Session, SessionOptions } from "./session.ts";

const GOLDENS = fileURLToPath(new URL("../../fixtures/goldens/", import.meta.url));
/** Rows in 8 bits moved the logits of these models by 0.06 to 0.14 %. */
const NEAR = 0.005;
/** Enough that most rows are old. */
const LENGTH = RECENT + 5 * OLD_BLOCK + 9;

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "orrery-int8-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

function ids(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (state * 48271) % 2147483647) % 300);
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const square = (sum: number, x: number): number => sum + x * x;
  return Math.sqrt(a.map((x, i) => x - b[i]!).reduce(square, 0) / b.reduce(square, 0));
}

// Gemma 3 has windows on five of its six layers, Granite MoE on none.
describe.each(["gemma3-scalar", "granitemoe"])("%s", (name) => {
  let exact: Session;
  let rounded: Session;
  let directory: string;

  async function opened(cache: CacheFormat, options: SessionOptions = {}): Promise<Session> {
    return openSession(join(parent, name, cache), { threads: 1, chunk: 64, ...options });
  }

  beforeAll(async () => {
    for (const cache of ["float32", "int8"] as const)
      await exportModel(join(GOLDENS, name), {
        out: join(parent, name, cache),
        weights: "float32",
        cache,
        ...(name === "granitemoe" ? { experts: "merged" } : {}),
      });
    directory = join(parent, name, "int8");
    exact = await opened("float32");
    rounded = await opened("int8");
  });
  afterAll(() => Promise.all([exact.dispose(), rounded.dispose()]));

  /** Logits of the last of `tokens`, of the model with float32 rows. */
  const reference = (tokens: readonly number[]): Promise<Float32Array> => exact.createSequence().append(tokens);

  async function expectNear(found: Float32Array, tokens: readonly number[]): Promise<void> {
    const error = distance(found, await reference(tokens));
    expect(error).toBeLessThan(NEAR);
    expect(error).toBeGreaterThan(1e-6); // or no row was old
  }

  test("logits are near those of float32 rows, whatever the chunks, and the same while no row is old", async () => {
    const tokens = ids(LENGTH);
    const young = tokens.slice(0, RECENT);
    expect(distance(await rounded.createSequence().append(young), await reference(young))).toBeLessThan(1e-6);
    await expectNear(await rounded.createSequence().append(tokens), tokens);
    const small = await opened("int8", { chunk: 7 });
    await expectNear(await small.createSequence().append(tokens), tokens);
    await small.dispose();
    const stepwise = rounded.createSequence();
    await stepwise.append(tokens.slice(0, -3), { logits: "none" });
    for (const token of tokens.slice(-3, -1)) await stepwise.append([token]);
    await expectNear(await stepwise.append(tokens.slice(-1)), tokens);
  });

  test("an old token moves the logits, so a lost row would show", async () => {
    const tokens = ids(LENGTH);
    const logits = await rounded.createSequence().append(tokens);
    for (const at of [0, OLD_BLOCK - 1, OLD_BLOCK, 3 * OLD_BLOCK])
      expect(distance(await rounded.createSequence().append(tokens.with(at, (tokens[at]! + 1) % 300)), logits)).toBeGreaterThan(1e-4);
  });

  test("after a rewind among old rows, and in a fork, other tokens give what they give with float32 rows", async () => {
    const tokens = ids(LENGTH);
    const sequence = rounded.createSequence();
    await sequence.append(tokens);
    const at = 2 * OLD_BLOCK + 10;
    const fork = sequence.fork(Math.max(at, sequence.reach));
    sequence.rewind(Math.max(at, sequence.reach));
    const other = ids(RECENT + OLD_BLOCK + 20, 5);
    await expectNear(await fork.append(other), [...tokens.slice(0, fork.length - other.length), ...other]);
    await expectNear(await sequence.append(other), [...tokens.slice(0, sequence.length - other.length), ...other]);
  });

  test("sequences that step together are computed one by one", async () => {
    const texts = [ids(LENGTH, 2), ids(LENGTH - 100, 3)];
    const prepared = async (): Promise<readonly ReturnType<Session["createSequence"]>[]> => {
      const sequences = texts.map(() => rounded.createSequence());
      for (const [i, sequence] of sequences.entries()) await sequence.append(texts[i]!, { logits: "none" });
      return sequences;
    };
    const together = await rounded.step((await prepared()).map((sequence) => ({ sequence, token: 7 })));
    const alone = await Promise.all((await prepared()).map((sequence) => sequence.append([7])));
    expect(together.map((row) => [...row])).toEqual(alone.map((row) => [...row]));
  });

  test("snapshots are refused", async () => {
    expect(rounded.fingerprint).toBeNull();
    await expect(rounded.createSequence().snapshot()).rejects.toMatchObject({ code: "session/no-snapshots" });
  });

  test("the manifest says it; one that says nothing means float32, and does not fit this graph", async () => {
    expect((await openExport(directory)).manifest.weights.cache).toBe("int8");
    const path = join(directory, MANIFEST_FILE);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"cache": "int8"', '"cache": "float32"'));
    await expect(openSession(directory)).rejects.toMatchObject({ code: "session/wrong-graph" });
    await writeFile(path, text.replace(/,\s*"cache": "int8"/, ""));
    expect((await openExport(directory)).manifest.weights.cache).toBe("float32");
    await writeFile(path, text);
  });
});

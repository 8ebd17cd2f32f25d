/** Models of the hub on the command line: what is asked of the runtime, what is shown meanwhile, how Ctrl-C ends it. */
import { OrreryError } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import type { HubLoadOptions, HubModel, LoadProgress } from "@orrery/runtime";
import { tmpdir } from "node:os";
import { cli } from "./cli.ts";
import { EXIT } from "./exit-codes.ts";
import type { Engine } from "./host.ts";
import { Outside } from "./testing/outside.ts";

const MODEL: HubModel = {
  repository: "own/tiny",
  revision: "main",
  commit: "0".repeat(40),
  path: "/cache/own--tiny",
  gguf: null,
  files: [{ path: "model.safetensors", bytes: 1000, cached: false }],
  bytes: 1000,
  cachedBytes: 0,
};

const fetching = (bytes: number): LoadProgress => ({
  type: "fetch",
  file: "model\u001b.safetensors",
  fileBytes: bytes,
  fileTotal: 1000,
  bytes,
  total: 1000,
  rate: 500,
  secondsLeft: (1000 - bytes) / 500,
});

/** Runs a command line on an engine whose parts can be replaced. */
async function run(argv: readonly string[], parts: (outside: Outside, engine: Engine) => Partial<Engine> = () => ({}), tty = false) {
  const outside = new Outside(scriptedModel(["Fine."]), tmpdir(), { tty });
  const engine = await outside.host.engine();
  const code = await cli(argv, { ...outside.host, engine: async () => ({ ...engine, ...parts(outside, engine) }) });
  return { code, outside };
}

test.each([
  [["run", "hello", "--model", "hf:own/tiny", "--weights", "int4"], { precision: "int4" }],
  [["generate", "hf:own/tiny", "Once"], {}],
])("%j loads by name", async (argv, expected) => {
  const options: HubLoadOptions[] = [];
  const { code, outside } = await run(argv, (_, engine) => ({
    loadModel: (source, given) => {
      options.push(given!);
      return engine.loadModel(source);
    },
  }));
  expect(code).toBe(EXIT.ok);
  expect(outside.loaded).toEqual(["hf:own/tiny"]);
  expect(options).toEqual([{ ...expected, signal: expect.any(AbortSignal), onProgress: expect.any(Function) }]);
});

const slow = (_: Outside, engine: Engine): Partial<Engine> => ({
  loadModel: (source, options) => {
    for (let bytes = 0; bytes <= 1000; bytes += 10) options?.onProgress?.(fetching(bytes));
    options?.onProgress?.({ type: "offline", revision: "main", commit: "abcdef0123456789", message: "the hub cannot be reached" });
    return engine.loadModel(source);
  },
});

test("where nothing can vanish, every tenth is a line on stderr, and stdout has the text alone", async () => {
  const { outside } = await run(["generate", "hf:own/tiny", "Once"], slow);
  const lines = outside.err.trim().split("\n");
  expect(lines.length).toBe(12);
  expect(lines[5]).toBe("· fetching model␛.safetensors: 500 B of 1.0 kB, 500 B/s, 1.0 s left");
  expect(lines.at(-1)).toBe("· the hub cannot be reached; using main as it was at the last visit (abcdef012345)");
  expect(outside.out).not.toContain("fetching");
});

test("on a terminal one line is written anew, and only what matters later stays", async () => {
  const { outside } = await run(["generate", "hf:own/tiny", "Once"], slow, true);
  const rows = outside.err.split("\n");
  expect(rows.map((row) => row.split("\r\u001b[2K").at(-1))).toEqual([expect.stringContaining("· the hub cannot be reached"), ""]);
  expect(rows[0]).toContain("fetching");
});

test("Ctrl-C while a model is fetched is a cancelled command", async () => {
  const { code, outside } = await run(["run", "hello", "--model", "hf:own/tiny"], ({ interrupts }) => ({
    loadModel: (_, options) => {
      interrupts.raise();
      expect(options?.signal?.aborted).toBe(true);
      throw new OrreryError("hub/aborted", "stopped", { hint: "it goes on from there" });
    },
  }));
  expect(code).toBe(EXIT.cancelled);
  expect(outside.err).toBe("orrery: cancelled\n  hint: it goes on from there\n");
});

test("inspect says what would be fetched, and of what is there also what it is", async () => {
  const { outside } = await run(["inspect", "hf:own/tiny", "--json"], () => ({ describeHubModel: async () => MODEL }));
  expect(JSON.parse(outside.out)).toMatchObject({ repository: "own/tiny", files: ["model.safetensors"], bytes: 1000, cachedBytes: 0 });
  const away = await run(["inspect", "hf:own/tiny", "--json"], () => ({
    describeHubModel: async (_, options) => {
      options?.onProgress?.({ type: "offline", revision: "main", commit: "abcdef0123456789", message: "the hub cannot be reached" });
      return MODEL;
    },
  }));
  expect(away.outside.err).toContain("as it was at the last visit");
  const opened: string[] = [];
  const whole = await run(["inspect", "hf:own/tiny", "--json"], () => ({
    describeHubModel: async () => ({ ...MODEL, cachedBytes: 1000 }),
    openCheckpoint: async (path) => {
      opened.push(path);
      throw new OrreryError("checkpoint/missing-file", "nothing is there");
    },
  }));
  expect(opened).toEqual([MODEL.path]);
  expect(whole.code).toBe(EXIT.failed);
});

test("inspect tells a directory of ONNX graphs from one with nothing", async () => {
  const inspected = (graphs: object | null): ReturnType<typeof run> =>
    run(["inspect", "dir", "--json"], () => ({
      openCheckpoint: async () => {
        throw new OrreryError("checkpoint/missing-file", "model.safetensors is missing");
      },
      describeOnnxRepository: async () => graphs as Awaited<ReturnType<Engine["describeOnnxRepository"]>>,
    }));
  const found = await inspected({ format: "onnx", variants: ["q4"] });
  expect(found.code).toBe(EXIT.ok);
  expect(JSON.parse(found.outside.out)).toEqual({ format: "onnx", variants: ["q4"] });
  const nothing = await inspected(null);
  expect(nothing.code).toBe(EXIT.failed);
  expect(nothing.outside.err).toContain("model.safetensors is missing");
});

test("export fetches first", async () => {
  const exported: string[] = [];
  const { code } = await run(["export", "hf:own/tiny", "--out", "there"], () => ({
    fetchCheckpoint: async () => MODEL,
    exportModel: async (path) => {
      exported.push(path);
      throw new OrreryError("export/exists", "there is something");
    },
  }));
  expect({ code, exported }).toEqual({ code: EXIT.failed, exported: [MODEL.path] });
});

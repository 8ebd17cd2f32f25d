/**
 * The whole outside of a command, for tests: streams that are read back, a model from a script, a clock that stands still. Out: what
 * was printed, what was loaded, and whether it was disposed of.
 */
import { OrreryError, type ChatModel } from "@orrery/chat";
import { DEFAULT_POLICY } from "@orrery/runtime";
import { readFile, writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Engine, Host } from "../host.ts";
import { Interrupts } from "../interrupts.ts";

export class Outside {
  /** Interrupts to which nobody listened: the process would have ended. */
  unheard = 0;
  readonly interrupts = new Interrupts(() => void this.unheard++);
  readonly stdin = new PassThrough();
  readonly loaded: (string | undefined)[] = [];
  readonly variants: (string | undefined)[] = [];
  disposed = 0;
  /** What was in the caches that were loaded. */
  readonly caches: string[] = [];
  #out = "";
  #err = "";
  readonly host: Host;

  /** `model` answers, or is the error of loading it; `cwd` is the folder the command is started in. */
  constructor(model: ChatModel | OrreryError, cwd: string, options: { readonly tty?: boolean; readonly engine?: Partial<Engine> } = {}) {
    const tty = options.tty ?? false;
    const stdout = Object.assign(new PassThrough(), { isTTY: tty, columns: 90 });
    const stderr = Object.assign(new PassThrough(), { isTTY: tty, columns: 90 });
    stdout.on("data", (chunk: Buffer) => (this.#out += chunk.toString()));
    stderr.on("data", (chunk: Buffer) => (this.#err += chunk.toString()));
    const unused = (): never => {
      throw new Error("not used here");
    };
    const engine: Engine = {
      exportModel: unused,
      describeExport: unused,
      openCheckpoint: unused,
      describeCheckpoint: unused,
      describeOnnxRepository: unused,
      fetchCheckpoint: unused,
      describeHubModel: unused,
      DEFAULT_POLICY,
      parsePolicy: unused,
      readCalibration: unused,
      readConversations: unused,
      measurePrecision: unused,
      precisionTable: unused,
      precisionChart: unused,
      ...options.engine,
      loadModel: async (source, options) => {
        this.loaded.push(source);
        this.variants.push(options?.variant);
        if (model instanceof OrreryError) throw model;
        return {
          id: model.id,
          contextLength: model.contextLength,
          stream: (request) => model.stream(request),
          async *generate(text, { signal }) {
            for (const word of [` after '${text}'`, "\u001b[2J", " end"]) {
              if (signal?.aborted) throw new OrreryError("session/aborted", "aborted");
              yield word;
            }
          },
          saveCache: async (path) => {
            await writeFile(path, "cache");
            return 1;
          },
          loadCache: async (path) => {
            this.caches.push(await readFile(path, "utf8"));
            return 1;
          },
          dispose: async () => {
            this.disposed++;
          },
        };
      },
    };
    this.host = {
      stdin: Object.assign(this.stdin, { isTTY: tty }),
      stdout,
      stderr,
      env: {},
      cwd,
      now: () => new Date("2026-11-24T12:00:00Z"),
      interrupts: this.interrupts,
      engine: async () => engine,
    };
  }

  get out(): string {
    return this.#out;
  }
  get err(): string {
    return this.#err;
  }

  /** Waits until `text` was printed on stdout: a test that types has to come after the question. */
  async shown(text: string): Promise<void> {
    while (!this.#out.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A model that says "Well", calls `onFirst` and then waits until it is aborted. */
export function slowModel(onFirst: () => void): ChatModel {
  return {
    id: "slow",
    contextLength: 1000,
    async *stream({ signal }) {
      yield { type: "text-delta", text: "Well" };
      onFirst();
      await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
      yield {
        type: "finish",
        reason: "aborted",
        usage: { promptTokens: 9, cachedTokens: 0, computedTokens: 9, replyTokens: 1, forcedTokens: 0 },
        stats: { maskedMass: 0, maskedMassMax: 0, sampledTokens: 1, firstTokenMs: 0, totalMs: 0 },
      };
    },
  };
}

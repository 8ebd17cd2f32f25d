/**
 * A graph of ours inside the worker thread. In: tokens of a sequence and how many rows of it are valid. Out: logits. Keeps the key/value
 * rows of every sequence. The only file that knows the names of the graph's inputs and outputs.
 */
import { Tensor, env, type InferenceSession } from "onnxruntime-node";
import { SessionError } from "../errors.ts";
import { NOWHERE } from "../manifest.ts";
import { inferenceOptions } from "./inference-options.ts";
import { createInferenceSession } from "./inference-session.ts";
import type { LoadRequest, ModelShape, RunRequest } from "./protocol.ts";
import { KeyValueRows } from "./rows.ts";
import type { WorkerEngine } from "./worker-engine.ts";

const WITH_LOGITS = ["logits", "rows"];
const WITHOUT_LOGITS = ["rows"];

/** Rows a run is given when there is no past: the graph masks them, but cannot do without (docs/architecture.md). */
const PADDING = 1;

/** One of the graph's past inputs. */
interface PastInput {
  readonly name: string;
  readonly heads: number;
  readonly size: number;
  readonly window: number | null;
}

export class RowEngine implements WorkerEngine {
  readonly #session: InferenceSession;
  readonly #profiled: boolean;
  readonly #shape: ModelShape;
  readonly #inputs: readonly PastInput[];
  readonly #widths: readonly number[];
  /** Windows of the layers, each once. */
  readonly #windows: readonly (number | null)[];
  readonly #sequences = new Map<number, KeyValueRows>();
  /** 0, 1, 2, …: made once, since a run is given the position of every row it reads. */
  #positions = new BigInt64Array(0);

  private constructor(session: InferenceSession, shape: ModelShape, profiled: boolean) {
    this.#session = session;
    this.#shape = shape;
    this.#profiled = profiled;
    this.#inputs = pastInputs(shape);
    this.#widths = this.#inputs.map(({ heads, size }) => heads * size);
    this.#windows = [...new Set(shape.cache.map(({ window }) => window))];
  }

  /** @throws SessionError `session/version-mismatch`, `session/load-failed`, `session/wrong-graph` */
  static async load({ model, packed, onnxruntime, shape, ...settings }: LoadRequest): Promise<RowEngine> {
    const installed = env.versions.node ?? env.versions.common;
    if (major(installed) !== major(onnxruntime))
      throw new SessionError(
        "session/version-mismatch",
        `the model was exported for onnxruntime ${onnxruntime}, installed is ${installed}`,
        {
          hint: "export the model again with the installed version",
        },
      );
    const session = await createInferenceSession(model, packed, inferenceOptions(settings)).catch((thrown: unknown) => {
      throw new SessionError("session/load-failed", `onnxruntime ${installed} cannot load ${model}: ${text(thrown)}`, {
        hint: installed === onnxruntime ? undefined : `the model was exported for onnxruntime ${onnxruntime}`,
      });
    });
    try {
      checkGraph(session, shape);
    } catch (thrown) {
      await session.release();
      throw thrown;
    }
    return new RowEngine(session, shape, settings.profile !== null);
  }

  /** Logits [rows, vocabulary], flat. Rows of a run that fails are not written. @throws SessionError `session/run-failed` */
  async run({ sequence, past, tokens, logits }: RunRequest): Promise<Float32Array> {
    const count = tokens.length;
    try {
      const rows = this.#sequences.get(sequence) ?? new KeyValueRows(this.#widths, this.#shape.contextLength);
      rows.reserve(past + count, past);
      this.#sequences.set(sequence, rows);
      const wanted = logits === "all" ? [0, count] : [count - 1, 1]; // the graph computes one row at least
      const feeds: Record<string, Tensor> = {
        input_ids: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [count]),
        positions: new Tensor("int64", this.#range(past, count), [count]),
        logit_rows: new Tensor("int64", this.#range(wanted[0]!, wanted[1]!), [wanted[1]!]),
      };
      for (const window of this.#windows) {
        const given = visible(past, window);
        const positions = given === 0 ? BigInt64Array.of(BigInt(NOWHERE)) : this.#range(past - given, given);
        feeds[`past_positions.${window ?? "all"}`] = new Tensor("int64", positions, [positions.length]);
      }
      for (let i = 0; i < this.#inputs.length; i++) {
        const { name, heads, size, window } = this.#inputs[i]!;
        const given = visible(past, window);
        const length = Math.max(given, PADDING);
        feeds[name] = new Tensor("float32", rows.past(i, past - given, length), [length, heads, 1, size]);
      }
      const fetched = await this.#session.run(feeds, logits === "none" ? WITHOUT_LOGITS : WITH_LOGITS);
      rows.write(floats(fetched, "rows", count * sum(this.#widths)), past);
      return logits === "none" ? new Float32Array(0) : floats(fetched, "logits", wanted[1]! * this.#shape.vocabularySize);
    } catch (thrown) {
      throw new SessionError("session/run-failed", `${count} tokens at position ${past} could not be computed: ${text(thrown)}`, {
        hint: "if memory is short, free some, or lower `sequences` or `chunk`",
        cause: thrown,
      });
    }
  }

  /** `count` positions from `start`. A view. */
  #range(start: number, count: number): BigInt64Array {
    const end = start + count;
    if (this.#positions.length < end)
      this.#positions = BigInt64Array.from({ length: Math.max(end, 2 * this.#positions.length) }, (_, i) => BigInt(i));
    return this.#positions.subarray(start, end);
  }

  /** @throws SessionError `session/run-failed` when there is no memory for the copy */
  fork(sequence: number, to: number, length: number): void {
    if (length === 0) return;
    try {
      this.#sequences.set(to, this.#sequences.get(sequence)!.fork(length));
    } catch (thrown) {
      throw new SessionError("session/run-failed", `the rows of ${length} tokens could not be copied: ${text(thrown)}`, {
        hint: "free some memory, or lower `sequences`",
        cause: thrown,
      });
    }
  }

  free(sequence: number): void {
    this.#sequences.delete(sequence);
  }

  async close(): Promise<void> {
    this.#sequences.clear();
    if (this.#profiled) this.#session.endProfiling();
    await this.#session.release();
  }
}

function pastInputs(shape: ModelShape): PastInput[] {
  return shape.cache.flatMap(({ layer, heads, size, window }) =>
    ["key", "value"].map((side) => ({ name: `past.${layer}.${side}`, heads, size, window })),
  );
}

/** Rows of `past` that new tokens may see in a layer: with a window of W keys, the first of them sees itself and W − 1 before. */
function visible(past: number, window: number | null): number {
  return window === null ? past : Math.min(past, window - 1);
}

/** The graph must be the one that the manifest speaks of: a wrong width would shift every row. */
function checkGraph(session: InferenceSession, shape: ModelShape): void {
  const past = pastInputs(shape);
  const width = sum(past.map(({ heads, size }) => heads * size));
  const expected = new Map<string, readonly (number | null)[]>([
    ["input_ids", [null]],
    ["positions", [null]],
    ["logit_rows", [null]],
    ...shape.cache.map(({ window }) => [`past_positions.${window ?? "all"}`, [null]] as const),
    ...past.map(({ name, heads, size }) => [name, [null, heads, 1, size]] as const),
    ["logits", [null, shape.vocabularySize]],
    ["rows", [null, width]],
  ]);
  const found = [...session.inputMetadata, ...session.outputMetadata];
  for (const value of found) {
    const dimensions = expected.get(value.name);
    const actual = value.isTensor ? value.shape : [];
    if (
      dimensions === undefined ||
      actual.length !== dimensions.length ||
      actual.some((size, i) => dimensions[i] !== null && typeof size === "number" && size !== dimensions[i])
    )
      throw new SessionError(
        "session/wrong-graph",
        `the graph has ${value.name} [${actual.join(", ")}], the manifest ${dimensions === undefined ? "knows no such tensor" : `says [${dimensions.map((size) => size ?? "any").join(", ")}]`}`,
        { hint: "manifest.json and model.onnx are not of one export" },
      );
    expected.delete(value.name);
  }
  for (const name of expected.keys())
    throw new SessionError("session/wrong-graph", `the graph has no ${name}`, {
      hint: "manifest.json and model.onnx are not of one export",
    });
}

function floats(fetched: InferenceSession.ReturnType, name: string, length: number): Float32Array {
  const data = fetched[name]!.data;
  if (!(data instanceof Float32Array) || data.length !== length)
    throw new TypeError(`${name} has ${data.length} values of type ${fetched[name]!.type}, expected ${length} of type float32`);
  return data;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const major = (version: string): string => version.split(".", 1)[0]!;
const text = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

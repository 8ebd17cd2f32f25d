/**
 * A graph of ours inside the worker thread. In: tokens of a sequence and how many rows of it are valid. Out: logits. Keeps the key/value
 * rows of every sequence. The only file that knows the names of the graph's inputs and outputs.
 */
import { Tensor, env, type InferenceSession } from "onnxruntime-node";
import { CacheMemoryError, SessionError } from "../errors.ts";
import { LANE, NOWHERE } from "../manifest.ts";
import { Arena, type Member } from "./arena.ts";
import { CacheMemory } from "./cache-memory.ts";
import { inferenceOptions } from "./inference-options.ts";
import { createInferenceSession } from "./inference-session.ts";
import type { LoadRequest, ModelShape, RestoreRequest, RunRequest, SnapshotRequest } from "./protocol.ts";
import { KeyValueRows, type RowLimits } from "./rows.ts";
import { storeRows } from "./snapshot.ts";
import { oldSpanOf, rowArray, rowWidth, spansOf, type RowArray, type Span } from "./spans.ts";
import type { WorkerEngine } from "./worker-engine.ts";

const installed = env.versions.node ?? env.versions.common;
const WITH_LOGITS = ["logits", "rows"];
const WITHOUT_LOGITS = ["rows"];
/** No candidates: logits of all ids. */
const NOBODY = new Int32Array(0);

/** What a run reads of one span. At least one row: without a past it is padding, which the graph masks (docs/architecture.md). */
interface SpanPast {
  readonly positions: BigInt64Array;
  readonly span: Span;
  /** Rows of array `index`. */
  array(index: number): RowArray;
}

export class RowEngine implements WorkerEngine {
  /** Of the installed onnxruntime. */
  readonly version = installed;
  readonly #session: InferenceSession;
  readonly #profiled: boolean;
  readonly #shape: ModelShape;
  readonly #spans: readonly Span[];
  /** How old rows are kept; null: as all others. */
  readonly #old: Span | null;
  readonly #width: number;
  readonly #limits: RowLimits;
  readonly #memory: CacheMemory;
  readonly #arena: Arena;
  readonly #sequences = new Map<number, KeyValueRows>();
  /** 0, 1, 2, …: made once, since a run is given the position of every row it reads. */
  #positions = new BigInt64Array(0);

  private constructor(session: InferenceSession, { shape, profile, cacheMemory, rewind }: LoadRequest) {
    this.#session = session;
    this.#shape = shape;
    this.#profiled = profile !== null;
    this.#spans = spansOf(shape.cache);
    this.#old = oldSpan(shape);
    this.#width = rowWidth(shape.cache);
    this.#limits = { context: shape.contextLength, rewind };
    this.#memory = new CacheMemory(cacheMemory);
    this.#arena = new Arena(this.#spans, this.#memory);
  }

  /** @throws SessionError `session/version-mismatch`, `session/load-failed`, `session/wrong-graph` */
  static async load(request: LoadRequest): Promise<RowEngine> {
    const { model, packed, onnxruntime, shape } = request;
    if (major(installed) !== major(onnxruntime))
      throw new SessionError(
        "session/version-mismatch",
        `the model was exported for onnxruntime ${onnxruntime}, installed is ${installed}`,
        {
          hint: "export the model again with the installed version",
        },
      );
    const session = await createInferenceSession(model, packed, inferenceOptions(request)).catch((thrown: unknown) => {
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
    return new RowEngine(session, request);
  }

  /** Logits [rows, vocabulary], flat. Rows of a run that fails are not written. @throws SessionError `session/run-failed`, CacheMemoryError */
  async run(request: RunRequest): Promise<Float32Array<ArrayBuffer>> {
    if (this.#old === null || request.lanes.length === 1) return this.#run(request);
    const parts: Float32Array[] = [];
    for (const lane of request.lanes) parts.push(await this.#run({ ...request, lanes: [lane] })); // the arena knows no old rows
    return Float32Array.from(parts.flatMap((part) => [...part]));
  }

  async #run({ lanes, logits, full = true, candidates = NOBODY }: RunRequest): Promise<Float32Array<ArrayBuffer>> {
    const tokens = lanes.flatMap((lane) => lane.tokens);
    try {
      const members = lanes.map(({ sequence, past, tokens }) => this.#member(sequence, past, tokens.length));
      const together = members.length > 1 ? this.#arena.gather(members) : null;
      const spans = together !== null ? this.#arena.spans : this.#past(members[0]!);
      const positions = lanes.map(({ past, tokens }, i) => this.#range(past, tokens.length, together?.[i] ?? 0));
      const wanted = logits === "all" ? this.#range(0, tokens.length) : lastRows(lanes); // the graph computes one row at least
      const feeds: Record<string, Tensor> = {
        input_ids: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [tokens.length]),
        positions: new Tensor("int64", joined(positions), [tokens.length]),
        logit_rows: new Tensor("int64", wanted, [wanted.length]),
      };
      if (this.#shape.sliced === true) feeds["full"] = new Tensor("bool", [full], [1]);
      if (this.#shape.sparseHead === true)
        feeds["candidates"] = new Tensor("int64", BigInt64Array.from(candidates, BigInt), [candidates.length]);
      for (const past of spans) {
        const length = past.positions.length;
        feeds[past.span.positions] = new Tensor("int64", past.positions, [length]);
        for (const [k, { name, dtype, shape }] of past.span.arrays.entries())
          feeds[name] = new Tensor(dtype, past.array(k), [length, ...shape]);
      }
      const fetched = await this.#session.run(feeds, logits === "none" ? WITHOUT_LOGITS : WITH_LOGITS);
      this.#write(members, lanes, floats(fetched, "rows", tokens.length * this.#width));
      this.#arena.age();
      const columns = candidates.length > 0 ? candidates.length : this.#shape.vocabularySize;
      return logits === "none" ? new Float32Array(0) : floats(fetched, "logits", wanted.length * columns);
    } catch (thrown) {
      if (thrown instanceof CacheMemoryError) throw thrown;
      const places = lanes.map(({ past }) => past).join(", ");
      throw new SessionError("session/run-failed", `${tokens.length} tokens at position ${places} could not be computed: ${text(thrown)}`, {
        hint: "if memory is short, free some, or lower `sequences` or `chunk`",
        cause: thrown,
      });
    }
  }

  /** A sequence with room for new rows. */
  #member(id: number, past: number, count: number): Member {
    const rows = this.#sequences.get(id) ?? KeyValueRows.empty(this.#spans, this.#limits, this.#memory, this.#old);
    this.#sequences.set(id, rows);
    this.#withRoom(
      () => rows.reserve(past, count),
      () => rows.bytesFor(past, count),
    );
    return { id, rows, past };
  }

  /** Takes room for rows; copies that are only held for speed make way. @throws CacheMemoryError with `bytes`, what is needed at the least */
  #withRoom(take: () => void, bytes: () => number): void {
    try {
      take();
    } catch (thrown) {
      if (!(thrown instanceof CacheMemoryError)) throw thrown;
      this.#arena.clear();
      try {
        take();
      } catch (again) {
        if (!(again instanceof CacheMemoryError)) throw again;
        throw new CacheMemoryError(bytes(), this.#memory.budget, this.#memory.left);
      }
    }
  }

  /** The past of a sequence where it lies. */
  #past({ rows, past }: Member): SpanPast[] {
    return rows
      .seen(past)
      .map(({ rows: { span }, rows: own, from, to }) =>
        from === to
          ? { span, positions: BigInt64Array.of(BigInt(NOWHERE)), array: (index) => rowArray(span.arrays[index]!, 1) }
          : { span, positions: this.#range(from, to - from), array: (index) => own.view(index, from, to - from) },
      );
  }

  #write(members: readonly Member[], lanes: RunRequest["lanes"], rows: Float32Array): void {
    let from = 0;
    for (const [i, { tokens, past }] of lanes.entries()) {
      const end = from + tokens.length * this.#width;
      members[i]!.rows.write(rows.subarray(from, end), this.#width, past);
      from = end;
    }
  }

  /** `count` positions from `start`, in a lane. In lane 0 a view. */
  #range(start: number, count: number, lane = 0): BigInt64Array {
    const end = start + count;
    if (lane > 0) return BigInt64Array.from({ length: count }, (_, i) => BigInt(lane * LANE + start + i));
    if (this.#positions.length < end)
      this.#positions = BigInt64Array.from({ length: Math.max(end, 2 * this.#positions.length) }, (_, i) => BigInt(i));
    return this.#positions.subarray(start, end);
  }

  /** Shares rows; nothing is copied. */
  fork(sequence: number, to: number, length: number): void {
    const rows = this.#sequences.get(sequence);
    if (rows !== undefined) this.#sequences.set(to, rows.fork(length));
  }

  /** @throws RangeError where the machine has no memory for it */
  snapshot({ sequence, length, reach, head }: SnapshotRequest): Uint8Array<ArrayBuffer> {
    return storeRows(head, this.#sequences.get(sequence)?.spans ?? [], length, reach);
  }

  /** @throws CacheMemoryError */
  restore({ sequence, length, reach, rows }: RestoreRequest): void {
    const restored = KeyValueRows.empty(this.#spans, this.#limits, this.#memory);
    this.#withRoom(
      () => restored.adopt(rows, length, reach),
      () => rows.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
    this.#sequences.set(sequence, restored);
  }

  free(sequence: number): void {
    this.#arena.remove(sequence);
    this.#sequences.get(sequence)?.free();
    this.#sequences.delete(sequence);
  }

  async close(): Promise<void> {
    this.#sequences.clear();
    if (this.#profiled) this.#session.endProfiling();
    await this.#session.release();
  }
}

function oldSpan({ cache, cacheFormat }: ModelShape): Span | null {
  return cacheFormat === "int8" ? oldSpanOf(spansOf(cache)) : null;
}

/** In the tokens of the lanes, side by side, the last of each. */
function lastRows(lanes: RunRequest["lanes"]): BigInt64Array {
  let end = 0;
  return BigInt64Array.from(lanes, ({ tokens }) => BigInt((end += tokens.length) - 1));
}

function joined(parts: readonly BigInt64Array[]): BigInt64Array {
  if (parts.length === 1) return parts[0]!;
  return BigInt64Array.from(parts.flatMap((part) => [...part]));
}

/** The graph must be the one that the manifest speaks of: a wrong width would shift every row. */
function checkGraph(session: InferenceSession, shape: ModelShape): void {
  const old = oldSpan(shape);
  const spans = [...spansOf(shape.cache), ...(old === null ? [] : [old])];
  const expected = new Map<string, readonly (number | null)[]>([
    ["input_ids", [null]],
    ["positions", [null]],
    ["logit_rows", [null]],
    ...(shape.sliced === true ? [["full", [1]] as const] : []),
    ...(shape.sparseHead === true ? [["candidates", [null]] as const] : []),
    ...spans.map(({ positions }) => [positions, [null]] as const),
    ...spans.flatMap(({ arrays }) => arrays.map(({ name, shape }) => [name, [null, ...shape]] as const)),
    ["logits", [null, shape.vocabularySize]],
    ["rows", [null, rowWidth(shape.cache)]],
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

function floats(fetched: InferenceSession.ReturnType, name: string, length: number): Float32Array<ArrayBuffer> {
  const data = fetched[name]!.data;
  if (!(data instanceof Float32Array) || data.length !== length)
    throw new TypeError(`${name} has ${data.length} values of type ${fetched[name]!.type}, expected ${length} of type float32`);
  return data as Float32Array<ArrayBuffer>;
}

const major = (version: string): string => version.split(".", 1)[0]!;
const text = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

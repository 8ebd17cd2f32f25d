/**
 * A graph with past inputs and present outputs, as onnx-community, Optimum and onnxruntime-genai export them, inside the worker thread. In:
 * tokens of a sequence and how many of its tokens are valid. Out: logits. Law: the present that a run gives is the past of the next,
 * untouched; it is cut when fewer tokens are valid. Tensors are never written to, so that forks share them.
 */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { dequantize } from "../checkpoint/dequantize.ts";
import { SessionError } from "../errors.ts";
import { inferenceOptions } from "./inference-options.ts";
import { readPastPresentGraph, type IntegerType, type PastPair, type PastPresentGraph, type RoleInput } from "./past-present-graph.ts";
import type { Lane, LoadPastPresentRequest, RunRequest } from "./protocol.ts";
import type { WorkerEngine } from "./worker-engine.ts";

type LaneRun = Lane & Pick<RunRequest, "logits">;

/** One graph, or a decoder and the graph that embeds its tokens. */
interface Sessions {
  readonly decoder: InferenceSession;
  readonly embedding: InferenceSession | null;
}

export class PastPresentEngine implements WorkerEngine {
  readonly #sessions: Sessions;
  readonly #graph: PastPresentGraph;
  readonly #vocabularySize: number;
  readonly #profiled: boolean;
  /** Tensors of each sequence, in the order of the graph's pairs. Their length may be more than is valid. */
  readonly #sequences = new Map<number, readonly Tensor[]>();

  private constructor(sessions: Sessions, graph: PastPresentGraph, request: LoadPastPresentRequest) {
    this.#sessions = sessions;
    this.#graph = graph;
    this.#vocabularySize = request.shape.vocabularySize;
    this.#profiled = request.profile !== null;
  }

  /** @throws SessionError `session/load-failed`, `session/unknown-input`, `session/wrong-graph` */
  static async load(request: LoadPastPresentRequest): Promise<PastPresentEngine> {
    // onnxruntime-node 1.30 takes the bytes of a Float16Array for none ("expected 16, got 0"). Where this thread has no such class when the
    // first tensor is made, float16 is Uint16Array, as on Node 22.
    Reflect.deleteProperty(globalThis, "Float16Array");
    const decoder = await open(request.decoder, request);
    let embedding: InferenceSession | null = null;
    try {
      embedding = request.embedding === null ? null : await open(request.embedding, request);
      const graph = readPastPresentGraph(decoder, embedding, request.shape);
      return new PastPresentEngine({ decoder, embedding }, graph, request);
    } catch (thrown) {
      await decoder.release();
      await embedding?.release();
      throw thrown;
    }
  }

  /** Logits [rows, vocabulary], flat; of lanes one after the other. A run that fails leaves the sequence as it was. @throws SessionError `session/run-failed` */
  async run({ lanes, logits }: RunRequest): Promise<Float32Array<ArrayBuffer>> {
    const rows: Float32Array<ArrayBuffer>[] = [];
    for (const lane of lanes) rows.push(await this.#run({ ...lane, logits }));
    return rows.length === 1 ? rows[0]! : Float32Array.from(rows.flatMap((row) => [...row]));
  }

  async #run(request: LaneRun): Promise<Float32Array<ArrayBuffer>> {
    const { sequence, past, tokens, logits } = request;
    const { inputs, pairs, embedding } = this.#graph;
    try {
      const feeds: Record<string, Tensor> = {};
      for (const input of inputs) feeds[input.role] = fed(input, request);
      const held = this.#sequences.get(sequence);
      for (const [i, pair] of pairs.entries()) feeds[pair.past] = past === 0 ? nothing(pair) : cut(held![i]!, past);
      if (embedding !== null)
        Object.assign(feeds, await this.#sessions.embedding!.run({ input_ids: fed(embedding.ids, request) }, embedding.gives));
      const wanted = pairs.map(({ present }) => present);
      const fetched = await this.#sessions.decoder.run(feeds, logits === "none" ? wanted : ["logits", ...wanted]);
      const rows = logits === "none" ? new Float32Array(0) : this.#rows(fetched["logits"]!, request);
      this.#sequences.set(
        sequence,
        pairs.map((pair) => checked(fetched[pair.present]!, pair, past + tokens.length)),
      );
      return rows;
    } catch (thrown) {
      throw new SessionError("session/run-failed", `${tokens.length} tokens at position ${past} could not be computed: ${text(thrown)}`, {
        hint: "if memory is short, free some, or lower `sequences` or `chunk`",
        cause: thrown,
      });
    }
  }

  /** Tensors are shared: a copy costs nothing until one of the two goes on. */
  fork(sequence: number, to: number, length: number): void {
    if (length > 0) this.#sequences.set(to, this.#sequences.get(sequence)!);
  }

  free(sequence: number): void {
    this.#sequences.delete(sequence);
  }

  async close(): Promise<void> {
    this.#sequences.clear();
    for (const session of [this.#sessions.decoder, this.#sessions.embedding]) {
      if (this.#profiled) session?.endProfiling();
      await session?.release();
    }
  }

  /** The rows asked for, of logits [1, kept, vocabulary]: some graphs compute all of them. */
  #rows(computed: Tensor, { tokens, logits }: LaneRun): Float32Array<ArrayBuffer> {
    const width = this.#vocabularySize;
    const count = logits === "all" ? tokens.length : 1;
    const kept = computed.dims[1] ?? 0;
    if (computed.dims.length !== 3 || computed.dims[2] !== width || kept < count)
      throw new TypeError(`logits are [${computed.dims.join(", ")}], expected [1, ${count} or more, ${width}]`);
    const floats = bits(computed).subarray((kept - count) * width);
    if (floats instanceof Float32Array) return kept === count ? floats : floats.slice();
    const rows = new Float32Array(count * width);
    dequantize("F16", new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength), rows, 0, rows.length);
    return rows;
  }
}

/** @throws SessionError `session/load-failed` */
function open(path: string, settings: LoadPastPresentRequest): Promise<InferenceSession> {
  return InferenceSession.create(path, inferenceOptions(settings)).catch((thrown: unknown) => {
    throw new SessionError("session/load-failed", `onnxruntime cannot load ${path}: ${text(thrown)}`, {
      hint: "fetch the file and its data files again; files with weights lie beside the graph",
    });
  });
}

/** What an input that is not the past is given. */
function fed({ role, type, rank }: RoleInput, { past, tokens, logits }: LaneRun): Tensor {
  if (type === "bool") return new Tensor("bool", [past > 0], [1]);
  const count = tokens.length;
  switch (role) {
    case "attention_mask":
      return integers(
        type,
        Array.from({ length: past + count }, () => 1),
        [1, past + count],
      );
    case "position_ids":
      return integers(
        type,
        Array.from({ length: count }, (_, i) => past + i),
        [1, count],
      );
    case "num_logits_to_keep":
      return integers(type, [logits === "all" ? 0 : 1], rank === 0 ? [] : [1]);
    default:
      return integers(type, tokens, [1, count]);
  }
}

function integers(type: IntegerType, values: readonly number[], dims: readonly number[]): Tensor {
  return type === "int64" ? new Tensor(type, BigInt64Array.from(values, BigInt), dims) : new Tensor(type, Int32Array.from(values), dims);
}

function nothing({ type, heads, size }: PastPair): Tensor {
  return tensorOf(type === "float32" ? new Float32Array(0) : new Uint16Array(0), [1, heads, 0, size]);
}

/** The first `length` tokens of [1, heads, tokens, size]. With one head they lie side by side already. */
function cut(tensor: Tensor, length: number): Tensor {
  const [, heads, held, size] = tensor.dims as [number, number, number, number];
  if (held === length) return tensor;
  const dims = [1, heads, length, size];
  const numbers = bits(tensor);
  const part = length * size;
  if (heads === 1) return tensorOf(numbers.subarray(0, part), dims);
  const kept = numbers.slice(0, heads * part);
  for (let head = 1; head < heads; head++) kept.set(numbers.subarray(head * held * size, head * held * size + part), head * part);
  return tensorOf(kept, dims);
}

/** Its numbers; those of float16 as 16 bits each. */
function bits({ data, type }: Tensor): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  if (data instanceof Float32Array) return data as Float32Array<ArrayBuffer>;
  if (data instanceof Uint16Array) return data as Uint16Array<ArrayBuffer>;
  throw new TypeError(`found numbers of type ${type}, expected float32 or float16`);
}

function tensorOf(numbers: Float32Array | Uint16Array, dims: readonly number[]): Tensor {
  return numbers instanceof Float32Array ? new Tensor("float32", numbers, dims) : new Tensor("float16", numbers, dims);
}

/** A present of another length would shift every later token. */
function checked(present: Tensor, { present: name, type, heads, size }: PastPair, length: number): Tensor {
  if (present.type === type && present.dims.join() === [1, heads, length, size].join()) return present;
  throw new TypeError(`${name} is ${present.type} [${present.dims.join(", ")}], expected ${type} [1, ${heads}, ${length}, ${size}]`);
}

const text = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

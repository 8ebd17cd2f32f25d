/**
 * What the layers of a decoder share in one run: its inputs, masks and rotation angles, each made once when it is first asked for.
 * Law: a token sees a row exactly when the row's position is at most its own and within the window. Positions of sequences that are
 * computed together lie {@link LANE} apart, so no token sees another sequence's rows; padding stands at {@link NOWHERE}, later than any.
 */
import type { LayerConfig, ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { add, cos, dequantize, greater, mod, mul, or, sin, sub, toFloat, where } from "../graph/ops/elementwise.ts";
import { concat, lengthOf, reshape } from "../graph/ops/layout.ts";
import { rotaryEmbedding } from "../graph/ops/rotary.ts";
import { gather } from "../graph/ops/select.ts";
import { dimAt, timesDim } from "../graph/shape.ts";
import { LANE, type CacheFormat } from "../manifest.ts";

/** Lowest finite float32: exp of it is 0, and no sum with it is NaN. */
const MASKED = -3.4028234663852886e38;

/** Symbol of the number of old rows. */
const OLD = "O";

/** Which tokens of a run: all, or those whose logits are wanted. */
export type Rows = "all" | "wanted";

/** Rows that a layer reads, [rows, heads, 1, size]. */
export interface Keys {
  readonly key: Value;
  readonly value: Value;
}

/** Who may look where. */
export interface Sight {
  /** float32 [rows, T+S]: 0 where the token may look, else the lowest number. Old rows, where there are any, come first. */
  readonly mask: Value;
  /** int64 [parts]: the rows of each part, S last. */
  readonly lengths: Value;
}

export class Run {
  readonly graph: Graph;
  /** int64 [S] */
  readonly ids: Value;
  /** int64 [R]: the tokens whose logits are wanted. */
  readonly wanted: Value;
  /** int64 [S] */
  readonly positions: Value;
  readonly #cache: CacheFormat;
  /** Of each part of the past, by window. */
  readonly #pastPositions = new Map<number | null, readonly Value[]>();
  /** Positions within the own sequence, by rows; float32 [rows, 1]. */
  readonly #places = new Map<Rows, Value>();
  readonly #made = new Map<string, unknown>();
  /** √scale: what is turned by the angles is multiplied by it, so that q·k comes out scaled. */
  readonly #gain: number;

  /** Declares the inputs that do not belong to one layer. docs/architecture.md lists all. */
  constructor(graph: Graph, config: ModelConfig, cache: CacheFormat) {
    this.graph = graph;
    this.#cache = cache;
    this.#gain = Math.sqrt(config.scales.attention);
    this.ids = graph.input("input_ids", "int64", ["S"]);
    this.positions = graph.input("positions", "int64", ["S"]);
    const logitRows = graph.input("logit_rows", "int64", ["R"]);
    for (const { window } of config.layers)
      if (!this.#pastPositions.has(window))
        this.#pastPositions.set(window, [
          ...(this.#hasOld(window) ? [graph.input("old_positions", "int64", [OLD])] : []),
          graph.input(`past_positions.${window ?? "all"}`, "int64", [pastSymbol(window)]),
        ]);
    this.wanted = add(logitRows, zeroUnlessEmpty(logitRows));
  }

  /** The past rows of a layer that owns keys and values, part by part. */
  past(layer: number, { heads, window }: LayerConfig): readonly Keys[] {
    const recent = (side: string): Value =>
      this.graph.input(`past.${layer}.${side}`, "float32", [pastSymbol(window), heads.keyValue, 1, heads.size]);
    const old = (side: string): Value => {
      const numbers = this.graph.input(`old.${layer}.${side}`, "int8", [OLD, heads.keyValue * heads.size]);
      const scales = this.graph.input(`old.${layer}.${side}_scales`, "float32", [OLD, heads.keyValue]);
      const vectors = timesDim(OLD, heads.keyValue);
      const rows = dequantize(reshape(numbers, [vectors, heads.size]), reshape(scales, [vectors]));
      return reshape(rows, [OLD, heads.keyValue, 1, heads.size]);
    };
    return (this.#hasOld(window) ? [old, recent] : [recent]).map((part) => ({ key: part("key"), value: part("value") }));
  }

  /** Windows hold few rows, and the newest at that. */
  #hasOld(window: number | null): boolean {
    return this.#cache === "int8" && window === null;
  }

  sight(window: number | null, rows: Rows): Sight {
    return this.#once(`sight ${window} ${rows}`, () => {
      const before = this.#pastPositions.get(window)!;
      const parts = [...before, this.positions];
      const keys = concat(parts, 0);
      const own = this.#rowsOf(this.positions, rows);
      const distance = sub(reshape(own, [dimAt(own.shape, 0), 1]), keys); // [rows, T+S]
      const far = greater(distance, this.#integer((window ?? LANE / 2) - 1));
      const hidden = or(greater(this.#integer(0), distance), far);
      const mask = where(hidden, this.graph.constant("float32", [], [MASKED]), this.graph.constant("float32", [], [0]));
      return {
        mask,
        lengths: concat(
          parts.map((part) => lengthOf(part, 0)),
          0,
        ),
      };
    });
  }

  /** x: [rows, heads, vectors, size], every vector turned by its token's position and multiplied by √scale. */
  turn(x: Value, rope: LayerConfig["rope"], rows: Rows): Value {
    const [vectors, size] = [Number(dimAt(x.shape, 2)), Number(dimAt(x.shape, 3))];
    const angles = this.#once(`angles ${rope.theta} ${rope.pairs} ${size} ${rows}`, () => {
      const frequencies = this.graph.constant("float32", [1, size / 2], rotaryFrequencies(rope, size));
      const angle = mul(this.#place(rows), frequencies);
      return { cos: this.#gained(cos(angle)), sin: this.#gained(sin(angle)) };
    });
    const [tokens, heads] = [dimAt(x.shape, 0), Number(dimAt(x.shape, 1))];
    const turned = rotaryEmbedding(reshape(x, [1, tokens, heads * vectors * size]), angles.cos, angles.sin);
    return reshape(turned, x.shape);
  }

  /** x: [S, …] → [rows, …] */
  #rowsOf(x: Value, rows: Rows): Value {
    return rows === "all" ? x : gather(x, this.wanted);
  }

  /** Every query depends on it, so here a run without past rows fails; in a product with them the process would die (see `matmul`). */
  #place(rows: Rows): Value {
    const known = this.#places.get(rows);
    if (known !== undefined) return known;
    const guarded = [...this.#pastPositions.values()].flat().reduce((sum, before) => add(sum, zeroUnlessEmpty(before)), this.positions);
    const own = this.#rowsOf(mod(guarded, this.#integer(LANE)), rows);
    const place = reshape(toFloat(own), [dimAt(own.shape, 0), 1]);
    this.#places.set(rows, place);
    return place;
  }

  #gained(table: Value): Value {
    return this.#gain === 1 ? table : mul(table, this.graph.constant("float32", [1], [this.#gain]));
  }

  #integer(number: number): Value {
    return this.graph.constant("int64", [], [number]);
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, this.graph.scope("run", make));
    return this.#made.get(key) as T;
  }
}

/** Frequencies of the pairs, rounded to float32 at each step, as models were trained with; 0 for pairs that do not turn. */
export function rotaryFrequencies({ theta, pairs }: LayerConfig["rope"], size: number): number[] {
  return Array.from({ length: size / 2 }, (_, pair) =>
    pair < pairs ? Math.fround(1 / Math.fround(theta ** Math.fround((2 * pair) / size))) : 0,
  );
}

/** A scalar 0; the run fails where x: int64 [n] is empty. */
function zeroUnlessEmpty(x: Value): Value {
  const last = gather(x, x.graph.constant("int64", [], [-1]));
  return sub(last, last);
}

function pastSymbol(window: number | null): string {
  return window === null ? "T" : `T${window}`;
}

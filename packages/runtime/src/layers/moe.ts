/**
 * Mixture of experts. The router picks `perToken` experts for each token and weighs them; then either only chosen experts run, each over
 * its tokens (`conditionalExperts`), or all of them run as one wide MLP whose hidden units are multiplied by the weights (`mergedExperts`).
 * Both give the same numbers for any number of tokens; which is faster depends on the sizes.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { add, greater, isNonZero, sub, where } from "../graph/ops/elementwise.ts";
import { ifElse } from "../graph/ops/control.ts";
import { concat, expand, identity, lengthOf, reshape, split, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/linear.ts";
import { softmax } from "../graph/ops/norm.ts";
import { reduceSum, sumBefore } from "../graph/ops/reduce.ts";
import { gather, gatherElements, nonZero, scatterElements, topK } from "../graph/ops/select.ts";
import { dimAt, type Dim } from "../graph/shape.ts";
import { gatedMlp, type Activation } from "./mlp.ts";
import type { Parameters } from "./parameters.ts";

/** Experts under one outer `If`. A skipped `If` costs about 5 µs, so skipping eight at once matters for one token. */
const GROUP = 8;

export type Experts = NonNullable<ModelConfig["experts"]>;

/** The experts of each token, best first: indices int64 [1, S, perToken] and weights float32, which add up to 1. */
export interface Route {
  readonly indices: Value;
  readonly weights: Value;
  /** bool, of the same shape: false where the weight is 0 and the expert need not run. Null: all run. */
  readonly needed: Value | null;
}

/**
 * logits: [1, S, experts] → the best `perToken` experts, with the softmax over those. `mass` 0 … 1: experts are added until their weights
 * reach it; those beyond weigh nothing, and what is left is not scaled up: their answers are missed less than a wrong size would hurt.
 */
export function route(logits: Value, perToken: number, mass = 1): Route {
  const [values, indices] = topK(logits, perToken);
  const weights = softmax(values);
  if (mass >= 1) return { indices, weights, needed: null };
  const number = (x: number): Value => logits.graph.constant("float32", [], [x]);
  const needed = greater(number(mass), sumBefore(weights, -1));
  return { indices, weights: where(needed, weights, number(0)), needed };
}

/** What the merged layers of one run share. */
export interface MergedRun {
  /** float32 [1, S, count (+ 1)]: 0 for every expert, then 1 for the shared MLP, if there is one. */
  readonly base: Value;
  /** float32 [count (+ 1), units]: 1 where the unit belongs to the expert (the shared MLP). */
  readonly members: Value;
  readonly activation: Activation;
}

/** ids: int64 [S]. The wide MLP's units are the experts' in order, then `sharedWidth` of the shared MLP. */
export function mergedRun(ids: Value, experts: Experts, sharedWidth: number, activation: Activation): MergedRun {
  const { graph } = ids;
  const { count, width } = experts;
  const owners = sharedWidth > 0 ? count + 1 : count;
  const units = count * width + sharedWidth;
  const ownerOf = (unit: number): number => Math.min(Math.floor(unit / width), count);
  const members = Array.from({ length: owners * units }, (_, at) => Number(ownerOf(at % units) === Math.floor(at / units)));
  const one = graph.constant("int64", [1], [1]);
  const row = Array.from({ length: owners }, (_, owner) => Number(owner === count));
  return {
    base: expand(graph.constant("float32", [1, 1, owners], row), concat([one, lengthOf(ids, 0), one], 0), [1, dimAt(ids.shape, 0), owners]),
    members: graph.constant("float32", [owners, units], members),
    activation,
  };
}

/** x: [1, S, hidden] → [1, S, hidden], by the wide MLP `name`. */
export function mergedExperts(x: Value, chosen: Route, parameters: Parameters, name: string, run: MergedRun): Value {
  const weights = scatterElements(run.base, chosen.indices, chosen.weights, -1);
  return gatedMlp(x, parameters, name, run.activation, matmul(weights, run.members));
}

/** What the conditional layers of one run share: int64 zeros [count, S] and ones [perToken, S]. */
export interface ConditionalRun {
  readonly zeros: Value;
  readonly ones: Value;
  readonly activation: Activation;
}

/** ids: int64 [S]. */
export function conditionalRun(ids: Value, experts: Experts, activation: Activation): ConditionalRun {
  const { graph } = ids;
  const tokens = dimAt(ids.shape, 0);
  const filled = (number: number, rows: number): Value =>
    expand(graph.constant("int64", [1, 1], [number]), concat([graph.constant("int64", [1], [rows]), lengthOf(ids, 0)], 0), [rows, tokens]);
  return { zeros: filled(0, experts.count), ones: filled(1, experts.perToken), activation };
}

/**
 * x: [1, S, hidden] → [1, S, hidden], by the MLPs `name`.0, `name`.1, …
 * Expert e gives a row for each of its tokens; the rows of all experts are put one after the other, and each token picks its own by place.
 * (Adding rows to tokens by ScatterND is not an option: ONNX Runtime 1.30 adds in parallel without locks and loses some.)
 */
export function conditionalExperts(x: Value, chosen: Route, parameters: Parameters, name: string, run: ConditionalRun): Value {
  const tokens = dimAt(x.shape, 1);
  const hidden = dimAt(x.shape, 2);
  const perToken = dimAt(chosen.indices.shape, 2);
  const indices = transpose(reshape(chosen.indices, [tokens, perToken]), [1, 0]); // [perToken, S]
  const uses = scatterElements(run.zeros, indices, usesOf(chosen, run, tokens, perToken), 0); // [count, S]: 1 where the token uses the expert
  const counts = reduceSum(uses, 1); // [count, 1]: tokens of each expert
  const places = add(sumBefore(uses, 1), sumBefore(counts, 0)); // [count, S]: where the token's row of the expert will be
  const rows = rowsOfExperts(reshape(x, [tokens, hidden]), uses, counts, (input, expert) =>
    gatedMlp(input, parameters, `${name}.${expert}`, run.activation),
  );
  const own = gather(rows, transpose(placesOf(gatherElements(places, indices, 0), chosen, counts), [1, 0])); // [S, perToken, hidden]
  return reshape(matmul(reshape(chosen.weights, [tokens, 1, perToken]), own), [1, tokens, hidden]);
}

/** int64 [perToken, S]: 1 for the experts that are needed. */
function usesOf({ needed }: Route, { ones, zeros }: ConditionalRun, tokens: Dim, perToken: Dim): Value {
  if (needed === null) return ones;
  const zero = zeros.graph.constant("int64", [], [0]);
  return where(transpose(reshape(needed, [tokens, perToken]), [1, 0]), ones, zero);
}

/** An expert that is not needed has no row: it reads the last one there is, and its weight of 0 forgets it. */
function placesOf(places: Value, { needed }: Route, counts: Value): Value {
  if (needed === null) return places;
  const last = sub(reshape(reduceSum(counts, 0), []), places.graph.constant("int64", [], [1]));
  return where(greater(places, last), last, places);
}

type Expert = (x: Value, expert: number) => Value;

/** [all rows, hidden]: the rows of expert 0, of expert 1, …, each in the order of tokens; in groups where there are many experts. */
function rowsOfExperts(x: Value, uses: Value, counts: Value, expert: Expert): Value {
  const total = Number(dimAt(counts.shape, 0));
  if (total <= GROUP) return concat(rowsOfGroup(x, uses, counts, 0, expert), 0);
  const sizes = Array.from({ length: Math.ceil(total / GROUP) }, (_, group) => Math.min(GROUP, total - group * GROUP));
  const groups = split(counts, sizes, 0).map((group, index) =>
    ifElse(
      isNonZero(reduceSum(group, 0)),
      `rows of group ${index}`,
      (branch) => concat(rowsOfGroup(branch.capture(x), branch.capture(uses), branch.capture(group), index * GROUP, expert), 0),
      (branch) => noRows(branch, x),
    ),
  );
  return concat(groups, 0);
}

/** One value per expert, `counts` [n, 1] being those of experts first … first + n − 1. */
function rowsOfGroup(x: Value, uses: Value, counts: Value, first: number, expert: Expert): Value[] {
  const flags = split(
    isNonZero(counts),
    Array.from({ length: Number(dimAt(counts.shape, 0)) }, () => 1),
    0,
  );
  return flags.map((flag, index) => {
    const number = first + index;
    const symbol = `rows of expert ${number}`;
    return ifElse(
      flag,
      symbol,
      (branch) => {
        const mine = gather(branch.capture(uses), branch.constant("int64", [], [number])); // [S]
        const tokens = reshape(nonZero(mine, symbol), [symbol]);
        return expert(gather(branch.capture(x), tokens), number);
      },
      (branch) => noRows(branch, x),
    );
  });
}

/** [0, hidden] */
function noRows(branch: Graph, x: Value): Value {
  return identity(branch.constant("float32", [0, dimAt(x.shape, 1)], []));
}

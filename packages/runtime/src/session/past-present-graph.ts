/**
 * What a graph with past inputs and present outputs takes and gives. In: the metadata of its session, and what its config says. Out: the
 * role of every input, and the pairs of past and present. Law: names, number types and sizes are the graph's own; what this file does not
 * know how to feed is refused by name.
 */
import type { InferenceSession } from "onnxruntime-node";
import { quoted } from "../checkpoint/json.ts";
import { SessionError } from "../errors.ts";
import type { PastPresentShape } from "./protocol.ts";

type Metadata = InferenceSession.ValueMetadata;
type TensorMetadata = Extract<Metadata, { readonly isTensor: true }>;

export const FLOATS = ["float32", "float16"] as const;
export type FloatType = (typeof FLOATS)[number];
const INTEGERS = ["int64", "int32"] as const;
export type IntegerType = (typeof INTEGERS)[number];

/** Inputs that are not the past, with the number of dimensions each may have. S new tokens, T tokens with the past. */
const ROLES = {
  /** [1, S] */
  input_ids: { types: INTEGERS, ranks: [2] },
  /** [1, T] ones */
  attention_mask: { types: INTEGERS, ranks: [2] },
  /** [1, S], from 0 */
  position_ids: { types: INTEGERS, ranks: [2] },
  /** Of how many tokens, counted from the last, logits are computed; 0: of all. */
  num_logits_to_keep: { types: INTEGERS, ranks: [0, 1] },
  /** [1]: false where there is no past. */
  use_cache_branch: { types: ["bool"], ranks: [1] },
} as const;
export type Role = keyof typeof ROLES;

export interface RoleInput {
  readonly role: Role;
  readonly type: IntegerType | "bool";
  readonly rank: number;
}

/** Keys or values of one layer: float [1, heads, T, size] in, the same with the new tokens out. */
export interface PastPair {
  readonly past: string;
  readonly present: string;
  readonly type: FloatType;
  readonly heads: number;
  readonly size: number;
}

export interface PastPresentGraph {
  readonly inputs: readonly RoleInput[];
  readonly pairs: readonly PastPair[];
  /** The graph that embeds: what it takes, and the decoder's inputs that it gives; null where the decoder takes ids. */
  readonly embedding: { readonly ids: RoleInput; readonly gives: readonly string[] } | null;
}

type Graph = Pick<InferenceSession, "inputMetadata" | "outputMetadata">;

/** @throws SessionError `session/unknown-input`, `session/wrong-graph` */
export function readPastPresentGraph(decoder: Graph, embedding: Graph | null, shape: PastPresentShape): PastPresentGraph {
  const tables = new Map((embedding?.outputMetadata ?? []).map((output) => [output.name, output]));
  const inputs: RoleInput[] = [];
  const embedded: string[] = [];
  const pairs: PastPair[] = [];
  const unknown: string[] = [];
  for (const input of decoder.inputMetadata) {
    const table = tables.get(input.name);
    if (cachePlace(input.name, PASTS) !== null) pairs.push(pairOf(input, decoder, shape));
    else if (table !== undefined) {
      checkSame(tensor(input), tensor(table));
      embedded.push(input.name);
    } else if (isRole(input.name)) inputs.push(roleInput(input.name, tensor(input)));
    else unknown.push(input.name);
  }
  const asked = embedding?.inputMetadata.map(({ name }) => name).filter((name) => name !== "input_ids") ?? [];
  if (unknown.length + asked.length > 0) throw unknownInputs([...unknown, ...asked]);
  if (pairs.length === 0) throw wrong("the graph takes no past: it has no input past_key_values.0.key", "take a graph exported with past");
  if (embedded.length === 0 && !inputs.some(({ role }) => role === "input_ids"))
    throw wrong("the graph takes neither input_ids nor what the graph of the embedding gives");
  checkLogits(decoder, shape);
  return { inputs, pairs, embedding: embedding === null ? null : { ids: idsOf(embedding), gives: embedded } };
}

/** What the graph of the embedding takes. */
function idsOf({ inputMetadata }: Graph): RoleInput {
  const ids = inputMetadata.find(({ name }) => name === "input_ids");
  if (ids === undefined) throw wrong("the graph of the embedding takes no input_ids");
  return roleInput("input_ids", tensor(ids));
}

const PASTS = /^past(?:_key_values)?\.(\d{1,4})\.(key|value)$|^past_(key|value)_(\d{1,4})$/;
const PRESENTS = /^present(?:_key_values)?\.(\d{1,4})\.(key|value)$|^present_(key|value)_(\d{1,4})$/;

/** Layer and side that a name speaks of; null when it speaks of none. */
function cachePlace(name: string, pattern: RegExp): { readonly layer: number; readonly side: string } | null {
  const match = pattern.exec(name);
  return match === null ? null : { layer: Number(match[1] ?? match[4]), side: (match[2] ?? match[3])! };
}

function pairOf(input: Metadata, decoder: Graph, shape: PastPresentShape): PastPair {
  const { layer, side } = cachePlace(input.name, PASTS)!;
  const output = decoder.outputMetadata.find(({ name }) => {
    const place = cachePlace(name, PRESENTS);
    return place?.layer === layer && place.side === side;
  });
  if (output === undefined) throw wrong(`${input.name} has no output present.${layer}.${side} to go with it`);
  const { name, type, shape: dims } = floats(tensor(input));
  if (dims.length !== 4) throw wrong(`${text(tensor(input))}, expected [1, heads, tokens, size]`);
  oneSequence(tensor(input), 2);
  if (tensor(output).type !== type) throw wrong(`${text(tensor(input))}, but ${text(tensor(output))}`);
  if (shape.layers !== null && layer >= shape.layers) throw wrong(`${name} is of layer ${layer}, config.json has ${shape.layers} layers`);
  const heads = known(name, "heads", dims[1]!, shape.keyHeads);
  const size = known(name, "numbers in a head", dims[3]!, shape.headSizes);
  return { past: name, present: output.name, type, heads, size };
}

/** A dimension, from the graph or, where it leaves it open, from the config. */
function known(name: string, what: string, found: number | string, allowed: readonly number[]): number {
  const value = typeof found === "number" ? found : allowed.length === 1 ? allowed[0]! : null;
  if (value === null) throw wrong(`${name} leaves the number of ${what} open (${quoted(found)}), and config.json does not tell it`);
  if (allowed.length > 0 && !allowed.includes(value)) throw wrong(`${name} has ${value} ${what}, config.json says ${allowed.join(" or ")}`);
  return value;
}

function roleInput(role: Role, input: TensorMetadata): RoleInput {
  const { types, ranks } = ROLES[role];
  const type = types.find((allowed) => allowed === input.type);
  const rank = ranks.find((allowed) => allowed === input.shape.length);
  if (type === undefined || rank === undefined)
    throw wrong(`${text(input)}, expected ${types.join(" or ")} with ${ranks.join(" or ")} dimensions`);
  if (rank === 2) oneSequence(input, 1);
  return { role, type, rank };
}

/** The first dimension must allow one sequence, and the one of tokens must be open. */
function oneSequence(input: TensorMetadata, tokens: number): void {
  const [batch] = input.shape;
  if ((typeof batch === "number" && batch !== 1) || typeof input.shape[tokens] === "number")
    throw wrong(`${text(input)} is of a fixed size, expected one sequence with any number of tokens`);
}

function checkLogits({ outputMetadata }: Graph, { vocabularySize }: PastPresentShape): void {
  const logits = outputMetadata.find(({ name }) => name === "logits");
  if (logits === undefined) throw wrong("the graph has no output logits");
  const { shape } = floats(tensor(logits));
  const width = shape[2];
  if (shape.length !== 3 || (typeof width === "number" && width !== vocabularySize))
    throw wrong(`${text(tensor(logits))}, expected [1, tokens, ${vocabularySize}] as config.json says`);
}

function checkSame(input: TensorMetadata, table: TensorMetadata): void {
  const differs = input.shape.some((dim, i) => typeof dim === "number" && typeof table.shape[i] === "number" && dim !== table.shape[i]);
  if (input.type !== table.type || input.shape.length !== table.shape.length || differs)
    throw wrong(`the decoder takes ${text(input)}, the embedding gives ${text(table)}`, "take both graphs in one variant");
}

function floats(value: TensorMetadata): TensorMetadata & { readonly type: FloatType } {
  const type = FLOATS.find((allowed) => allowed === value.type);
  if (type === undefined) throw wrong(`${text(value)}, expected ${FLOATS.join(" or ")}`);
  return { ...value, type };
}

function tensor(value: Metadata): TensorMetadata {
  if (value.isTensor) return value;
  throw wrong(`${value.name} is no tensor`);
}

function isRole(name: string): name is Role {
  return Object.hasOwn(ROLES, name);
}

function text({ name, type, shape }: TensorMetadata): string {
  return `${quoted(name)} is ${type} [${shape.map((dim) => (typeof dim === "number" ? dim : dim || "any")).join(", ")}]`;
}

function unknownInputs(names: readonly string[]): SessionError {
  return new SessionError("session/unknown-input", `the graph wants ${names.map(quoted).join(", ")}, which a text does not give`, {
    hint: "take a text-only export of the model, or export its checkpoint with orrery",
  });
}

function wrong(
  message: string,
  hint = "config.json and the graphs are not of one model, or this kind of graph is not supported",
): SessionError {
  return new SessionError("session/wrong-graph", message, { hint });
}

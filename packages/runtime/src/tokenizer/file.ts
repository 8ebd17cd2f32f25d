/**
 * tokenizer.json, checked. In: parsed JSON of unknown make. Out: the parts we use, every count and id within bounds. Law: a part we do
 * not know is an error, never ignored; nothing is looked up in an object by a name from the file.
 */
import { TokenizerError } from "../errors.ts";
import type { Spelling } from "./bytes.ts";
import { isControl, namedControls } from "./control.ts";

/** Four times the largest vocabulary known to us (262,144). Tables are made by this count, so the file's word is not enough. */
const MAX_VOCABULARY = 1 << 20;
/** Eight times the merges of that vocabulary. */
const MAX_MERGES = 1 << 22;
/** Tokens longer than this do not occur (the longest known has 384 bytes); a longer one is an attack on whoever walks them. */
const MAX_TOKEN_LENGTH = 4096;
/** `Sequence` in `Sequence`: real files have one level. */
const MAX_NESTING = 4;

const KNOWN_PARTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["normalizer", new Set(["NFC", "NFD", "NFKC", "NFKD", "Replace"])],
  ["pre_tokenizer", new Set(["ByteLevel", "Digits", "Split"])],
]);

/**
 * Patterns accepted in a `Split`: those of the tokenizers in use, all linear. Any other could take exponential time in a backtracking
 * engine, and the text comes from users.
 */
const KNOWN_PATTERNS: ReadonlySet<string> = new Set([
  // GPT-2
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  // cl100k, Llama 3, Granite 3.3
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  // Qwen 2 and 3
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);

export interface AddedToken {
  readonly id: number;
  readonly content: string;
}

/** The parts of a tokenizer.json that we use. */
export interface TokenizerFile {
  /** Largest id + 1. */
  readonly size: number;
  /** Every token, control and added ones included, by its spelling. */
  readonly ids: ReadonlyMap<string, number>;
  /** Tokens that the model may see only where a program puts them. */
  readonly control: ReadonlyMap<string, number>;
  /** Added tokens that are ordinary text, matched before the merges. */
  readonly added: readonly AddedToken[];
  readonly spelling: Spelling;
  /** What `@huggingface/tokenizers` is built from: no control tokens to match, no merge that makes one, nothing added around a text. */
  readonly parts: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws TokenizerError `tokenizer/bad-json`, `tokenizer/bad-file`, `tokenizer/too-large`, `tokenizer/unsupported` */
export function parseTokenizerFile(json: unknown, config: unknown): TokenizerFile {
  if (!isFields(json))
    throw new TokenizerError("tokenizer/bad-json", `tokenizer.json: expected an object, found ${kind(json)}`, {
      hint: "fetch the file again",
    });
  if (!isFields(json["model"])) throw bad(`model: expected an object, found ${kind(json["model"])}`);
  const model = json["model"];
  if (model["type"] !== undefined && model["type"] !== "BPE") throw unsupported(`model.type is ${show(model["type"])}, expected "BPE"`);
  for (const part of KNOWN_PARTS.keys()) checkPart(json[part], part, 0);

  const ids = readVocabulary(model["vocab"]);
  const tokens = readAdded(json["added_tokens"], ids);
  const names = namedControls(config);
  const control = new Map<string, number>();
  const added: Fields[] = [];
  for (const token of tokens)
    if (isControl(token, names)) control.set(token.content, token.id);
    else added.push({ id: token.id, content: token.content, normalized: token.normalized, lstrip: token.lstrip, rstrip: token.rstrip });

  const merges = readMerges(model["merges"], ids, control);
  let size = 0;
  for (const id of ids.values()) if (id >= size) size = id + 1;
  return {
    size,
    ids,
    control,
    added: tokens.filter((token) => !control.has(token.content)),
    spelling: spellingOf(json, model),
    parts: {
      added_tokens: added,
      normalizer: json["normalizer"] ?? null,
      pre_tokenizer: json["pre_tokenizer"] ?? null,
      post_processor: null,
      decoder: null,
      model: { ...model, type: "BPE", merges },
    },
  };
}

function readVocabulary(vocab: unknown): Map<string, number> {
  if (!isFields(vocab)) throw bad(`model.vocab: expected an object, found ${kind(vocab)}`);
  const tokens = Object.keys(vocab);
  if (tokens.length > MAX_VOCABULARY) throw tooLarge(`model.vocab has ${tokens.length} tokens, expected at most ${MAX_VOCABULARY}`);
  const ids = new Map<string, number>();
  const owner: (string | undefined)[] = [];
  for (const token of tokens) register(token, vocab[token], ids, owner);
  return ids;
}

function register(token: string, id: unknown, ids: Map<string, number>, owner: (string | undefined)[]): number {
  if (token.length > MAX_TOKEN_LENGTH) throw tooLarge(`a token has ${token.length} characters, expected at most ${MAX_TOKEN_LENGTH}`);
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0) throw bad(`token ${show(token)} has id ${show(id)}, expected 0 or more`);
  if (id >= MAX_VOCABULARY) throw bad(`token ${show(token)} has id ${id}, expected less than ${MAX_VOCABULARY}`);
  if (owner[id] !== undefined) throw bad(`tokens ${show(owner[id])} and ${show(token)} both have id ${id}`);
  owner[id] = token;
  ids.set(token, id);
  return id;
}

interface CheckedAdded extends AddedToken {
  readonly special: boolean;
  readonly normalized: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** Reads `added_tokens` and enters those that the vocabulary lacks into `ids`. */
function readAdded(list: unknown, ids: Map<string, number>): CheckedAdded[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw bad(`added_tokens: expected a list, found ${kind(list)}`);
  if (list.length > MAX_VOCABULARY) throw tooLarge(`added_tokens has ${list.length} entries, expected at most ${MAX_VOCABULARY}`);
  const owner: (string | undefined)[] = [];
  for (const [token, id] of ids) owner[id] = token;
  return list.map((entry: unknown, at) => {
    if (!isFields(entry)) throw bad(`added_tokens[${at}]: expected an object, found ${kind(entry)}`);
    const content = entry["content"];
    if (typeof content !== "string" || content === "") throw bad(`added_tokens[${at}].content: expected text, found ${show(content)}`);
    if (ids.get(content) !== entry["id"]) {
      if (ids.has(content))
        throw bad(`added token ${show(content)} has id ${show(entry["id"])}, the vocabulary says id ${ids.get(content)}`);
      register(content, entry["id"], ids, owner);
    }
    const flag = (name: string) => entry[name] === true;
    return {
      id: ids.get(content)!,
      content,
      special: flag("special"),
      normalized: flag("normalized"),
      lstrip: flag("lstrip"),
      rstrip: flag("rstrip"),
    };
  });
}

/** Merges as pairs, without those that would make a control token out of text. */
function readMerges(
  merges: unknown,
  ids: ReadonlyMap<string, number>,
  control: ReadonlyMap<string, number>,
): (readonly [string, string])[] {
  if (!Array.isArray(merges)) throw bad(`model.merges: expected a list, found ${kind(merges)}`);
  if (merges.length > MAX_MERGES) throw tooLarge(`model.merges has ${merges.length} entries, expected at most ${MAX_MERGES}`);
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at < merges.length; at++) {
    const [left, right] = readPair(merges[at], at);
    if (!ids.has(left) || !ids.has(right)) throw bad(`merge ${at}: ${show(ids.has(left) ? right : left)} is not in the vocabulary`);
    const whole = left + right;
    if (!ids.has(whole)) throw bad(`merge ${at}: its result ${show(whole)} is not in the vocabulary`);
    if (!control.has(whole)) pairs.push([left, right]);
  }
  return pairs;
}

function readPair(merge: unknown, at: number): readonly [string, string] {
  const pair: readonly unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
  const left = pair[0];
  const right = pair[1];
  if (pair.length !== 2 || typeof left !== "string" || typeof right !== "string")
    throw bad(`merge ${at}: expected two tokens, found ${show(merge)}`);
  if (left === "" || right === "") throw bad(`merge ${at}: a part is empty, so the merge would never end`);
  return [left, right];
}

function checkPart(part: unknown, name: string, depth: number): void {
  if (part === null || part === undefined) return;
  if (!isFields(part)) throw bad(`${name}: expected an object or null, found ${kind(part)}`);
  if (part["type"] === "Sequence") {
    const inner = part["normalizers"] ?? part["pretokenizers"];
    if (!Array.isArray(inner)) throw bad(`${name}: a Sequence needs a list, found ${kind(inner)}`);
    if (depth >= MAX_NESTING) throw tooLarge(`${name}: Sequence within Sequence, more than ${MAX_NESTING} deep`);
    for (const one of inner) checkPart(one, name, depth + 1);
    return;
  }
  const type = part["type"];
  if (typeof type !== "string" || !KNOWN_PARTS.get(name)?.has(type)) throw unsupported(`${name}: type ${show(type)} is not known`);
  if (type === "Split" || type === "Replace") checkPattern(part["pattern"], name);
  if (type === "Replace" && typeof part["content"] !== "string") throw bad(`${name}: Replace needs text as content`);
}

function checkPattern(pattern: unknown, name: string): void {
  if (!isFields(pattern)) throw bad(`${name}: pattern: expected an object, found ${kind(pattern)}`);
  if (typeof pattern["String"] === "string" && pattern["String"] !== "" && pattern["Regex"] === undefined) return;
  const regex = pattern["Regex"];
  if (typeof regex !== "string" || !KNOWN_PATTERNS.has(regex))
    throw unsupported(`${name}: pattern ${show(regex ?? pattern["String"])} is not among those known to run in linear time`);
}

function spellingOf(json: Fields, model: Fields): Spelling {
  if (mentions(json["pre_tokenizer"], "ByteLevel") || mentions(json["decoder"], "ByteLevel")) return "byte-level";
  return model["byte_fallback"] === true || mentions(json["decoder"], "ByteFallback") ? "sentence-piece" : "plain";
}

function mentions(part: unknown, type: string): boolean {
  if (!isFields(part)) return false;
  const inner = part["pretokenizers"] ?? part["decoders"];
  return part["type"] === type || (Array.isArray(inner) && inner.some((one) => isFields(one) && one["type"] === type));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kind(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : value === undefined ? "nothing" : `a ${typeof value}`;
}

/** A value in a message: quoted, at most 60 characters. */
function show(value: unknown): string {
  const text = typeof value === "object" && value !== null ? kind(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const bad = (fact: string) => new TokenizerError("tokenizer/bad-file", `tokenizer.json: ${fact}`, { hint: "fetch the file again" });
const tooLarge = (fact: string) =>
  new TokenizerError("tokenizer/too-large", `tokenizer.json: ${fact}`, { hint: "fetch the file again, from a source you trust" });
const unsupported = (fact: string) =>
  new TokenizerError("tokenizer/unsupported", `tokenizer.json: ${fact}`, { hint: "this tokenizer is not of a family we promise" });

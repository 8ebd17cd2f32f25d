/**
 * Calls as JSON: an object that names a tool and has its arguments, or a list of such objects. In: a JSON value. Out: its calls, or
 * undefined when it is not calls. Law: unless a marker says that it is a call, an object is one only if it has a name, arguments and
 * nothing else; so data with a `name` is data, and the declaration of a tool is no call of it.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import { JsonText } from "../json-text.ts";
import { BrokenCall, CutCall } from "./failure.ts";
import { Input, readAll } from "./input.ts";
import { LooseReader } from "./loose-reader.ts";
import { readToolName } from "./tool-name.ts";

export interface EnvelopeCall {
  readonly name: string;
  readonly input: JsonObject;
}

const NAMES = ["name", "function", "tool", "tool_name", "function_name"] as const;
const ARGUMENTS = ["arguments", "parameters", "args", "input", "tool_input", "kwargs"] as const;
const WRAPPERS = ["function", "function_call", "tool_call"] as const;
const LISTS = ["tool_calls", "function_calls"] as const;
/** What may stand beside a name and arguments. */
const BESIDE: ReadonlySet<string> = new Set([...NAMES, ...ARGUMENTS, ...WRAPPERS, "id", "type", "index", "call_id", "tool_call_id"]);
const TYPES: ReadonlySet<unknown> = new Set([undefined, "function", "function_call", "tool_call", "tool_use"]);

/** @param marked a marker says that the value is a call: it may lack arguments and have more beside them */
export function callsOf(value: Json, marked: boolean): readonly EnvelopeCall[] | undefined {
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    if (items.length === 0 && !marked) return undefined;
    const calls = items.map((item) => callsOf(item, marked));
    return calls.every((found) => found !== undefined) ? calls.flat() : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  if (!marked && !isBare(value)) return undefined;
  for (const key of LISTS) {
    const list = own(value, key);
    if (Array.isArray(list)) return callsOf(list, marked);
  }
  for (const key of WRAPPERS) {
    const inner = own(value, key);
    if (isJsonObject(inner)) return callsOf(inner, marked);
  }
  return oneCall(value, marked);
}

function oneCall(value: JsonObject, marked: boolean): readonly EnvelopeCall[] | undefined {
  const name = NAMES.map((key) => own(value, key)).find((found) => typeof found === "string");
  if (typeof name !== "string" || readToolName(name) !== name.length) return undefined;
  const key = ARGUMENTS.find((found) => Object.hasOwn(value, found));
  if (key === undefined) return marked ? [{ name, input: {} }] : undefined;
  const input = inputOf(own(value, key) ?? null);
  if (input === undefined) return undefined;
  if (!marked && key === "parameters" && isSchema(input)) return undefined;
  return [{ name, input }];
}

/** Arguments as an object, or as an object's JSON in a string, or none. */
function inputOf(value: Json): JsonObject | undefined {
  if (value === null || value === "") return {};
  if (isJsonObject(value)) return value;
  return typeof value === "string" ? objectIn(value) : undefined;
}

/** An object whose JSON is a string: models of some families write arguments so. */
function objectIn(text: string): JsonObject | undefined {
  const input = new Input();
  const json = new JsonText();
  input.write(text);
  input.end();
  try {
    readAll(new LooseReader(input, json, { left: 0 }).value());
  } catch (failure) {
    if (failure instanceof BrokenCall || failure instanceof CutCall) return undefined;
    throw failure;
  }
  const value: unknown = JSON.parse(json.whole);
  return isJsonObject(value) && text.slice(input.position).trim() === "" ? value : undefined;
}

function isBare(value: JsonObject): boolean {
  const keys = Object.keys(value);
  if (keys.some((key) => LISTS.some((list) => list === key))) return keys.length === 1;
  return keys.every((key) => BESIDE.has(key)) && TYPES.has(own(value, "type"));
}

/** A tool's declaration gives its parameters as a schema. */
function isSchema(input: JsonObject): boolean {
  return own(input, "type") === "object" && isJsonObject(own(input, "properties"));
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

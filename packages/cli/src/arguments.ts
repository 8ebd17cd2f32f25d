/** Command line arguments, parsed and checked. In: strings. Out: typed values. Law: what is not understood is a {@link UsageError}. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Sampling } from "@orrery/chat";
import type { CacheFormat, Precision } from "@orrery/runtime";
import { resolve } from "node:path";
import { UsageError } from "./errors.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Options of every command that loads a model. */
export const MODEL_OPTIONS = {
  weights: { type: "string" },
  variant: { type: "string" },
  temperature: { type: "string" },
  seed: { type: "string" },
} as const satisfies Options;

/** Options of the commands that run an agent. */
export const AGENT_OPTIONS = {
  ...MODEL_OPTIONS,
  model: { type: "string" },
  tools: { type: "string" },
  mcp: { type: "string", multiple: true },
  "max-steps": { type: "string" },
  cwd: { type: "string" },
  yes: { type: "boolean", short: "y" },
  "no-color": { type: "boolean" },
  verbose: { type: "boolean", short: "v" },
  trace: { type: "string" },
  "trace-content": { type: "boolean" },
} as const satisfies Options;

export const PRECISIONS = ["float32", "int8", "int4", "sliced", "paired"] as const satisfies readonly Precision[];
export const CACHE_FORMATS = ["float32", "int8"] as const satisfies readonly CacheFormat[];

/** Whether a model is named as one of the Hugging Face hub. */
export function isOnHub(model: string): boolean {
  return model.startsWith("hf:");
}

/** Which model to load, and in what precision where it is fetched: a directory as an absolute path, a name on the hub as it is. */
export interface ModelArguments {
  readonly model: string | undefined;
  readonly precision: Precision | undefined;
  /** Which of the ONNX graphs in a directory. */
  readonly variant: string | undefined;
}

/** The options that say how a model is loaded. */
interface ModelValues {
  readonly weights?: string | undefined;
  readonly variant?: string | undefined;
}

/** @throws UsageError `cli/usage` when a precision is given for what is exported already, or a variant for a model of the hub */
export function modelArguments(command: string, model: string | undefined, { weights, variant }: ModelValues, cwd: string): ModelArguments {
  const hub = model !== undefined && isOnHub(model);
  if (weights !== undefined && !hub) throw usage(command, "--weights is for a model of the hub (hf:owner/name); an export has its own");
  if (variant !== undefined && (hub || model === undefined)) throw usage(command, "--variant is for a directory with ONNX graphs");
  if (variant === "") throw usage(command, "--variant takes the suffix of a file, such as q4, fp16 or fp32");
  const precision = weights === undefined ? undefined : oneOf(command, "weights", weights, PRECISIONS);
  return { model: model === undefined || hub ? model : resolve(cwd, model), precision, variant };
}

/** node:util's parseArgs, strict, with errors of ours. @throws UsageError `cli/usage` */
export function parse<T extends Options>(command: string, args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split(/\.?\s*\n|\. /); // the rest is advice on syntax
    throw usage(command, first);
  }
}

/** The error for wrong arguments of a command. */
export function usage(command: string, message: string): UsageError {
  return new UsageError("cli/usage", message, { hint: `see orrery ${command} --help`.replace("  ", " ") });
}

/** A whole number within bounds, or undefined when the option is absent. @throws UsageError `cli/usage` */
export function wholeNumber(
  command: string,
  name: string,
  text: string | undefined,
  range: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max))
    throw usage(command, `--${name} takes a whole number from ${range.min} to ${range.max}, found '${text}'`);
  return value;
}

/** Temperature and seed. @throws UsageError `cli/usage` */
export function sampling(command: string, values: { temperature?: string | undefined; seed?: string | undefined }): Sampling {
  const { temperature } = values;
  const heat = temperature === undefined || temperature.trim() === "" ? Number.NaN : Number(temperature);
  if (temperature !== undefined && !(heat >= 0 && heat <= 5))
    throw usage(command, `--temperature takes a number from 0 to 5, found '${temperature}'`);
  const seed = wholeNumber(command, "seed", values.seed, { min: 0, max: 2 ** 32 - 1 });
  return { ...(temperature === undefined ? {} : { temperature: heat }), ...(seed === undefined ? {} : { seed }) };
}

/** One of a few words. @throws UsageError `cli/usage` */
export function oneOf<T extends string>(command: string, name: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw usage(command, `--${name} takes ${words.join(", ")}; found '${text}'`);
  return found;
}

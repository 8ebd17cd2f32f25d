/**
 * A chat template of a checkpoint, which is a program of a stranger's. In: Jinja. Out: text. Law: it sees what it is given, runs for a
 * bounded number of steps and makes a bounded text; whatever goes wrong is a PromptError.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import type { Json } from "@orrery/chat";
import { PromptError } from "../errors.ts";

/** Fifteen times the largest template we know (Gemma 4's). */
const MAX_SOURCE = 1 << 18;
/** Expressions and statements evaluated; a message takes some hundred. */
const MAX_STEPS = 20_000_000;
/** Steps for each turn of a loop: the library makes a scope for each before it begins. */
const TURN_STEPS = 100;
/** A template takes milliseconds; this is for what the count of steps does not see. */
const MAX_MS = 10_000;
/** Characters of any text that it makes. Contents do not count: see quotation.ts. */
const MAX_TEXT = 1 << 22;
const MAX_RANGE = 10_000;
/** Expressions within expressions, calls of macros included. */
const MAX_DEPTH = 400;

export interface Template {
  readonly source: string;
  /** @throws PromptError `prompt/template-refused`, `prompt/template-failed`, `prompt/template-limits` */
  render(variables: { readonly [name: string]: Json | undefined }): string;
}

/**
 * @param today what the template is told when it asks for the date
 * @throws PromptError `prompt/template-failed`, `prompt/template-limits`
 */
export function compileTemplate(source: string, today: Date): Template {
  if (source.length > MAX_SOURCE) throw beyond(`it has ${source.length} characters, expected at most ${MAX_SOURCE}`);
  const program: unknown = attempt((): unknown => parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })));
  const functions: readonly (readonly [string, unknown])[] = [
    ["raise_exception", raise],
    ["range", range],
    ["strftime_now", (format: unknown) => writeDate(String(format), today)],
    ...["true", "True"].map((name) => [name, true] as const),
    ...["false", "False"].map((name) => [name, false] as const),
    ...["none", "None"].map((name) => [name, null] as const),
  ];
  return {
    source,
    render(variables) {
      const environment = new Scope();
      for (const [name, value] of [...functions, ...Object.entries(variables)]) if (value !== undefined) environment.set(name, value);
      const { value } = attempt(() => new BoundedInterpreter(environment).run(program));
      if (typeof value === "string") return value;
      throw new PromptError("prompt/template-failed", "the checkpoint's chat template gave no text", { hint: FAILED });
    },
  };
}

/** What we use of the library. Its own types do not resolve in ESM projects, so they are stated here. */
interface Value {
  readonly value: unknown;
}
type EnvironmentClass = new () => { set(name: string, value: unknown): void };
type InterpreterClass = new (environment: unknown) => {
  run(program: unknown): Value;
  evaluate(statement: unknown, environment: unknown): Value;
};
const Scope: EnvironmentClass = Environment;
const Base: InterpreterClass = Interpreter;

class BoundedInterpreter extends Base {
  readonly #latest = performance.now() + MAX_MS;
  #steps = 0;
  #depth = 0;
  /** What the latest loop goes through. */
  #iterable: unknown;

  override evaluate(statement: unknown, environment: unknown): Value {
    this.#count(1);
    if (isNode(statement) && statement.type === "For") this.#iterable = iterableOf(statement);
    if (++this.#depth > MAX_DEPTH) throw beyond(`it goes more than ${MAX_DEPTH} levels deep`);
    const result = super.evaluate(statement, environment);
    this.#depth--;
    if (statement === this.#iterable && Array.isArray(result.value)) this.#count(result.value.length * TURN_STEPS);
    if (typeof result.value === "string" && result.value.length > MAX_TEXT)
      throw beyond(`a text of it has ${result.value.length} characters, expected at most ${MAX_TEXT}`);
    return result;
  }

  #count(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw beyond(`it takes more than ${MAX_STEPS} steps`);
    if ((this.#steps & 255) < steps && performance.now() > this.#latest) throw beyond(`it takes more than ${MAX_MS / 1000} seconds`);
  }
}

/** A node of the library's syntax tree. */
interface Node {
  readonly type: string;
  readonly iterable?: unknown;
  readonly lhs?: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** `for x in ITERABLE`, `for x in ITERABLE if …`. */
function iterableOf({ iterable }: Node): unknown {
  return isNode(iterable) && iterable.type === "SelectExpression" ? iterable.lhs : iterable;
}

/** What `raise_exception` of a template throws. */
class Refusal extends Error {}

function raise(message: unknown): never {
  throw new Refusal(String(message));
}

function range(...numbers: readonly unknown[]): number[] {
  const [first = 0, second, step = 1] = numbers.map(Number);
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= MAX_RANGE)) throw beyond(`it counts through ${count} numbers, expected at most ${MAX_RANGE}`);
  return Array.from({ length: count }, (_, at) => from + at * step);
}

/** As `strftime`, of what templates ask for. */
function writeDate(format: string, date: Date): string {
  const part = (options: Intl.DateTimeFormatOptions): string => date.toLocaleDateString("en-US", options);
  const two = (value: number): string => String(value).padStart(2, "0");
  const parts: { readonly [letter: string]: string } = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    d: two(date.getDate()),
    B: part({ month: "long" }),
    b: part({ month: "short" }),
    A: part({ weekday: "long" }),
    a: part({ weekday: "short" }),
    H: two(date.getHours()),
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    "%": "%",
  };
  return format.replace(/%-?([a-zA-Z%])/g, (whole, letter: string) => parts[letter] ?? whole);
}

const FAILED =
  "the template needs what @huggingface/jinja does not have, or does not fit the conversation; continue a text with generate()";

function beyond(what: string): PromptError {
  return new PromptError("prompt/template-limits", `the checkpoint's chat template is beyond its limits: ${what}`, {
    hint: "do not trust this checkpoint, or continue a text with generate()",
  });
}

/** Runs a stranger's program. */
function attempt<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof PromptError) throw cause;
    if (cause instanceof RangeError) throw beyond(cause.message);
    const message = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof Refusal)
      throw new PromptError("prompt/template-refused", `the checkpoint's chat template refuses the conversation: ${message}`, {
        hint: "models differ in the order of roles they know; change the conversation",
        cause,
      });
    throw new PromptError("prompt/template-failed", `the checkpoint's chat template fails: ${message}`, { hint: FAILED, cause });
  }
}

/**
 * A group of a schema suite under a constraint engine. In: a schema and instances, the engine. Out: what went wrong.
 * Law: an instance is accepted exactly when each token of its compact JSON text is in the mask where it stands and nothing is missing
 * at the end; so a mask that lacks a token, or has one too many, shows as a case that fails.
 */
import { OrreryError, type Json } from "@orrery/chat";
import type { SchemaGroup } from "./read.ts";

/** The state of a reply, as `@orrery/runtime/constraint` has it. */
export interface SuiteState {
  mask(): { has(id: number): boolean };
  advance(id: number): SuiteState;
  readonly done: boolean;
  readonly mayEnd: boolean;
}

export interface SuiteOptions {
  readonly draft: "2020-12" | "07";
  readonly formats: "assert" | "annotate";
  readonly remotes: ReadonlyMap<string, Json>;
}

/** What is measured. */
export interface SuiteEngine {
  /** @throws OrreryError when the schema cannot be compiled exactly */
  compile(schema: Json, options: SuiteOptions): { start(): SuiteState };
  encode(text: string): readonly number[];
}

export type Failure =
  | { readonly kind: "refused-valid" | "accepted-invalid"; readonly description: string; readonly data: Json }
  | { readonly kind: "crashed"; readonly description: string; readonly data: Json; readonly reason: string };

/** A group that was compiled, with the cases that failed; or one that was refused or broke the compiler, with the reason. */
export type GroupResult =
  | { readonly compiled: true; readonly failures: readonly Failure[] }
  | { readonly compiled: false; readonly crashed: boolean; readonly reason: string };

export function runGroup(group: SchemaGroup, engine: SuiteEngine, options: SuiteOptions): GroupResult {
  let grammar: { start(): SuiteState } | undefined;
  try {
    grammar = engine.compile(group.schema, options);
  } catch (error) {
    if (!(error instanceof OrreryError)) return { compiled: false, crashed: true, reason: messageOf(error) };
    // A schema of no value is compiled: it refuses everything.
    if (error.code !== "constraint/unsatisfiable") return { compiled: false, crashed: false, reason: reasonOf(error) };
  }
  const failures = group.tests.flatMap(({ description, data, valid }): Failure[] => {
    try {
      const accepted = grammar !== undefined && accepts(grammar.start(), engine.encode(JSON.stringify(data)));
      return accepted === valid ? [] : [{ kind: valid ? "refused-valid" : "accepted-invalid", description, data }];
    } catch (error) {
      return [{ kind: "crashed", description, data, reason: messageOf(error) }];
    }
  });
  return { compiled: true, failures };
}

function accepts(start: SuiteState, ids: readonly number[]): boolean {
  let state = start;
  for (const id of ids) {
    if (!state.mask().has(id)) return false;
    state = state.advance(id);
  }
  return state.done || state.mayEnd;
}

/** What a refusal says, without the place and the names in it except those of keywords and formats: equal reasons count together. */
function reasonOf(error: OrreryError): string {
  const text = error.message.replace(/^.*?: at '[^']*': /s, "").replace(/^the schema: /, "");
  const plain = text.replace(/(\b(?:keyword|format) )?('[^']*'|"[^"]*")/g, (all, kind: string | undefined) => (kind ? all : "…"));
  return `${error.code}: ${plain}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/**
 * What the chart keeps beside the conversation, and what each finished call changes in it. All of it is JSON, all functions are pure:
 * the chart, its guards and its narrowings are functions of these facts.
 */
import type { Learn, MoveContext } from "@orrery/agent";
import type { JsonObject } from "@orrery/chat";
import { replaceOnce } from "@orrery/files";
import type { Repository } from "./repository.ts";
import type { TestResult } from "./run-tests.ts";

/** An edit. `made` was not tested yet; `undone` was taken back; `refused` did not reach the file, because a person or the tool said no. */
export type Edit = {
  readonly path: string;
  readonly old: string;
  readonly new: string;
  /** Where it begins in the text. */
  readonly at: number;
  readonly state: "made" | "tested" | "undone" | "refused";
};

export type Facts = {
  readonly files: readonly string[];
  readonly reaches: Repository["reaches"];
  readonly cases: Repository["cases"];
  /** Texts of the files that were read, as they are now. */
  readonly texts: Readonly<Record<string, string>>;
  /** Files that a search has found. */
  readonly found: readonly string[];
  /** All edits, the last one last; those that were taken back as well. */
  readonly edits: readonly Edit[];
  /** What the tests said before the last edit, and now. */
  readonly before: TestResult | null;
  readonly tests: TestResult | null;
};

export function started({ files, reaches, cases }: Repository): Facts {
  return { files, reaches, cases, texts: {}, found: [], edits: [], before: null, tests: null };
}

export function factsOf({ facts }: Pick<MoveContext, "facts">): Facts {
  return facts as unknown as Facts;
}

const learning =
  (change: (facts: Facts, input: JsonObject, output: unknown) => Partial<Facts>): Learn[string] =>
  (facts, { input, output }) =>
    ({ ...facts, ...change(facts as unknown as Facts, input, output) }) as JsonObject;

export const learn: Learn = {
  run_tests: learning(({ tests, edits }, _, output) => ({
    before: tests,
    tests: output === undefined ? null : (output as TestResult),
    edits: edits.map((edit) => (edit.state === "made" ? { ...edit, state: "tested" as const } : edit)),
  })),
  search_files: learning(({ found }, _, output) => ({
    found:
      output === undefined
        ? found
        : [...new Set([...found, ...(output as { matches: { file: string }[] }).matches.map(({ file }) => file)])],
  })),
  read_file: learning(({ texts }, { path }, output) =>
    output === undefined ? {} : { texts: { ...texts, [String(path)]: (output as { content: string }).content } },
  ),
  edit_file: learning(({ texts, edits }, input, output) => {
    const edit = { path: String(input["path"]), old: String(input["old"]), new: String(input["new"]) };
    const text = texts[edit.path]!;
    const at = text.indexOf(edit.old);
    if (output === undefined) return { edits: [...edits, { ...edit, at, state: "refused" }] };
    return {
      texts: { ...texts, [edit.path]: replaceOnce(text, edit.old, edit.new) },
      edits: [...edits, { ...edit, at, state: "made" }],
    };
  }),
  undo_edit: learning(({ texts, before, edits }, input, output) => {
    const { path, at, old, new: made } = input as unknown as Edit;
    if (output === undefined) return {};
    const text = texts[path]!;
    return {
      texts: { ...texts, [path]: text.slice(0, at) + old + text.slice(at + made.length) },
      tests: before,
      edits: edits.with(-1, { ...edits.at(-1)!, state: "undone" }),
    };
  }),
};

/** Is there an edit that was not tested? */
export function untested(context: MoveContext): boolean {
  return factsOf(context).edits.at(-1)?.state === "made";
}

export function green(context: MoveContext): boolean {
  return factsOf(context).tests?.failed === 0;
}

/** Does the last edit help: do more tests pass than before it, and fewer fail? */
export function better(context: MoveContext): boolean {
  const { before, tests } = factsOf(context);
  return before !== null && tests !== null && tests.failed < before.failed && tests.passed >= before.passed;
}

/** The last edit, for the call that takes it back. */
export function lastEdit(context: MoveContext): JsonObject {
  const { path, at, old, new: made } = factsOf(context).edits.at(-1)!;
  return { path, at, old, new: made };
}

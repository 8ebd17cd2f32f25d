/**
 * The assistant as a chart. In: a model and a repository. Out: an agent whose moves are the legal next steps of mending a bug.
 *
 *     testing ─▶ exploring ──start_editing──▶ editing ──check──▶ verifying ──green──▶ answering
 *                                                ▲                   │ red, better: the edit stays
 *                                                └──── undoing ◀─────┘ red
 *
 * Law: only a file that was read is edited, and only at a text that stands in it exactly once; each edit waits for a person and is
 * followed by the tests; an edit that helps no test is taken back; an answer is legal only when the tests are green.
 */
import { act, agentChart, createAgent, phase, type Agent, type Approval, type MoveContext } from "@orrery/agent";
import type { ChatModel } from "@orrery/chat";
import { better, factsOf, green, lastEdit, untested, learn, started } from "./facts.ts";
import { editable, readable, repairable } from "./narrowing.ts";
import type { Repository } from "./repository.ts";
import type { TestOptions, TestResult } from "./run-tests.ts";
import { coderTools } from "./tools.ts";

export interface CoderOptions {
  /** Runs the repository's tests. */
  readonly test: (options: TestOptions) => Promise<TestResult>;
  /** Edits tried in one run. Default 6. */
  readonly tries?: number;
  /** What an edit may be: `small` (default), one small change where the task or the failing tests point to; `free`, any text for any. */
  readonly edits?: "small" | "free";
  /** Default `writes`: each edit waits for a person. */
  readonly approval?: Approval;
}

export function createCoder(
  model: ChatModel,
  repository: Repository,
  { test, tries = 6, approval = "writes", edits = "small" }: CoderOptions,
): Agent {
  const triesLeft = (context: MoveContext): boolean => factsOf(context).edits.length < tries;
  const edit = edits === "small" ? repairable : editable;
  const chart = agentChart({
    tools: coderTools(repository, test),
    approval,
    limits: { steps: EXPLORING + 2 * tries + 2 },
    facts: { initial: { ...started(repository) }, learn },
    guards: { green, better: (context) => better(context) && triesLeft(context), worse: (context) => !better(context), triesLeft },
    states: {
      testing: act({ tool: "run_tests", next: "exploring" }),
      exploring: phase({
        tools: ["search_files", "read_file"],
        narrow: { read_file: readable },
        when: { search_files: ({ steps }) => steps.filter((step) => step.tool === "search_files").length < SEARCHES },
        limits: { steps: EXPLORING },
        exits: {
          start_editing: { target: "editing", description: "Start to edit.", when: (context) => editable(context) !== false },
        },
        otherwise: "unsolved",
      }),
      editing: phase({
        tools: ["edit_file"],
        narrow: { edit_file: edit },
        when: { edit_file: (context) => !untested(context) && triesLeft(context) },
        exits: { check: { target: "verifying", description: "Check the edit.", when: untested } },
        otherwise: "unsolved",
      }),
      verifying: act({
        tool: "run_tests",
        next: [
          { target: "answering", guard: "green" },
          { target: "editing", guard: "better" },
          { target: "undoing", guard: "worse" },
          { target: "unsolved" },
        ],
      }),
      undoing: act({ tool: "undo_edit", input: lastEdit, next: [{ target: "editing", guard: "triesLeft" }, { target: "unsolved" }] }),
      answering: phase({ answer: true }),
      unsolved: { type: "final" },
    },
  });
  return createAgent({ model, chart, instructions: "You are a careful assistant. Copy names, numbers and codes exactly." });
}

/** Searches before the first edit; and searches and reads together. */
const SEARCHES = 3;
const EXPLORING = 8;

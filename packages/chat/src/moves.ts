/**
 * Moves: what one reply may be. An agent derives them from its statechart's snapshot; a runtime compiles them into a token mask.
 * They narrow per decision and never touch the prompt, so the prompt's prefix and the KV cache stay.
 */
import { ChatError } from "./errors.ts";
import type { JsonSchema } from "./json.ts";
import type { ToolSpec } from "./tool.ts";

/** One legal call: a declared tool's name and the schema its input must satisfy now (the tool's own, perhaps narrowed). */
export interface CallMove {
  readonly name: string;
  readonly input: JsonSchema;
  /** Is this call the only one of its reply? Default false. */
  readonly alone?: boolean;
}

/** What one reply may be: an answer, calls, or either. */
export interface Moves {
  /** May the reply be an answer? `true`: free text; `{ schema }`: JSON under that schema; `false`: no. */
  readonly answer: boolean | { readonly schema: JsonSchema };
  /** Calls that are legal now. */
  readonly calls: readonly CallMove[];
  /** At most this many calls in one reply; 1 or more. A call that is `alone` has no others beside it. */
  readonly parallel: number;
}

/** The moves of a request that does not narrow them: answer in free text, or call any declared tool, up to `parallel` at once. */
export function allMoves(tools: readonly ToolSpec[], parallel = 8): Moves {
  return { answer: true, calls: tools.map(({ name, input }) => ({ name, input })), parallel };
}

/**
 * The moves of a request, checked.
 * @throws ChatError `chat/undeclared-move` when a call is not among the declared tools (the prompt would not explain it),
 *   `chat/no-moves` when nothing is legal, `chat/bad-parallel` when `parallel` is not a positive integer.
 */
export function resolveMoves(tools: readonly ToolSpec[], moves: Moves = allMoves(tools)): Moves {
  const declared = new Set(tools.map((tool) => tool.name));
  const foreign = moves.calls.find((call) => !declared.has(call.name));
  if (foreign)
    throw new ChatError(
      "chat/undeclared-move",
      `move '${foreign.name}' is not a declared tool; declared: ${[...declared].join(", ") || "none"}`,
      {
        hint: "declare every tool of the run in `tools` and narrow with `moves`",
      },
    );
  if (moves.answer === false && moves.calls.length === 0)
    throw new ChatError("chat/no-moves", "neither an answer nor a call is legal", {
      hint: "a deciding state needs at least one legal move; look at its guards and narrowings",
    });
  if (!Number.isInteger(moves.parallel) || moves.parallel < 1)
    throw new ChatError("chat/bad-parallel", `parallel must be an integer of at least 1, found ${moves.parallel}`, {
      hint: "give the number of calls that one reply may have",
    });
  return moves;
}

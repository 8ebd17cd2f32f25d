/** Foreign values into JSON. In: whatever user code returned. Out: plain JSON that shares nothing with it. */
import type { Json } from "@orrery/chat";
import { AgentError, errorFacts } from "./errors.ts";

/** The longest context we know holds 262,144 tokens, about a million characters: a longer result could not be read by any model. */
const MAX_JSON_CHARACTERS = 1_000_000;

/**
 * A copy of `value` as JSON: `undefined` and functions become null, a Date its ISO string, as `JSON.stringify` has it.
 * @throws AgentError `tool/bad-output` for cycles, BigInt, values whose `toJSON` throws, and results that no model could read.
 */
export function copyJson(value: unknown): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    throw new AgentError("tool/bad-output", `the result is not JSON: ${errorFacts(thrown, "tool/bad-output").message.split("\n")[0]}`, {
      hint: "return plain data: no cycles, no BigInt",
    });
  }
  if (text === undefined) return null;
  if (text.length > MAX_JSON_CHARACTERS)
    throw new AgentError(
      "tool/bad-output",
      `the result has ${text.length} characters of JSON, at most ${MAX_JSON_CHARACTERS} are allowed`,
      {
        hint: "return a part, and let the model ask for more",
      },
    );
  return JSON.parse(text);
}

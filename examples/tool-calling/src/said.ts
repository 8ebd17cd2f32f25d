/**
 * What the conversation has mentioned. In: a run's context and names. Out: those that were said. Law: only the user, and tools whose
 * results are trusted, are believed; what a stranger wrote is no fact to act on.
 */
import type { MoveContext } from "@orrery/agent";
import type { JsonSchema } from "@orrery/chat";

export function mentioned({ messages, untrusted }: MoveContext, names: readonly string[]): readonly string[] {
  const said = messages
    .flatMap((message) => {
      if (message.role === "user") return [message.content];
      return message.role === "tool" && !untrusted.includes(message.name) ? [JSON.stringify(message.output)] : [];
    })
    .join("\n")
    .toLowerCase();
  return names.filter((name) => said.includes(name.toLowerCase()));
}

/** All that the user wrote. */
export function usersWords({ messages }: MoveContext): string {
  return messages.flatMap((message) => (message.role === "user" ? [message.content] : [])).join("\n");
}

/** A narrowing to a few values of one argument; with none, the tool is no legal move now. */
export function oneOf(argument: string, values: readonly string[]): JsonSchema | false {
  return values.length > 0 && { properties: { [argument]: { enum: values } } };
}

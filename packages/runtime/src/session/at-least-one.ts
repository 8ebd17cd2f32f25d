/** Options that count something. */
import { SessionError } from "../errors.ts";

/** `value`, when it is a whole number of at least 1. @throws SessionError `session/bad-option`, which names the option */
export function atLeastOne(option: string, value: number): number {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new SessionError("session/bad-option", `${option} is ${value}, expected a whole number of at least 1`, {
      hint: "leave it out to take the default",
    });
  return value;
}

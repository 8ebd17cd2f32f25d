/** Names of tools as other runtimes allow them: those of Orrery, and with colons, slashes or letters of any script. */

const PART = /[\p{L}\p{N}_.:/-]/u;
export const MAX_NAME = 128;

/** How many characters at the beginning of the text are a tool's name; 0 when none are, or too many. */
export function readToolName(text: string): number {
  let length = 0;
  while (length < text.length && PART.test(text.charAt(length))) length++;
  return length <= MAX_NAME ? length : 0;
}

export function isNamePart(char: string): boolean {
  return PART.test(char);
}

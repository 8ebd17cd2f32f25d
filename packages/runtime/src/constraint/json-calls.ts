/**
 * What calls that are JSON need of a grammar. In: how a format writes them. Out: parts. Law: where calls are legal, no answer begins with the
 * first segment of `before`, so that a reply is calls exactly when it begins so, which is how it is read (prompt/json-reply.ts).
 */
import { ConstraintError } from "../errors.ts";
import type { JsonCalls, JsonFormat } from "../prompt/format.ts";
import type { Segment } from "../prompt/segments.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { Automaton } from "./automaton.ts";
import { spellings } from "./literals.ts";
import { CONTROL, sequence, type Part } from "./part.ts";
import type { PartPosition } from "./position.ts";
import { complement, intersection, pattern, textPart } from "./strings/index.ts";
import { bytes } from "./surface.ts";

const WHERE = { subject: "the answer", pointer: "" };
/** As the free text of other grammars: something that can be seen. */
const VISIBLE = String.raw`[^\0-\x20\x7f]`;

/** Words of the format, control tokens among them. @throws TokenizerError `tokenizer/no-control-token` */
export function literal(segments: readonly Segment[], tokenizer: Tokenizer, position?: PartPosition): Part {
  const symbols = segments.flatMap((segment) =>
    "text" in segment ? bytes(segment.text) : [CONTROL + tokenizer.controlId(segment.control)],
  );
  return symbols.length === 0 ? sequence() : spellings([symbols], position);
}

/** Free text that does not begin like a call. */
export function textUnlikeCall({ before }: JsonCalls): Part {
  const visible = pattern(VISIBLE, WHERE);
  const lead = leadOf(before);
  const language = lead === "" ? visible : intersection([visible, complement(pattern(`^${escaped(lead)}`, WHERE), WHERE)], WHERE);
  return textPart(language, "plain", "free-text");
}

/** @throws ConstraintError `constraint/unsupported` when a spelling of the answer begins like a call */
export function neverBeginsLikeCall(answer: Part, { name, json }: JsonFormat): void {
  const lead = leadOf(json.before);
  const automaton = new Automaton(answer);
  if (lead === "" || automaton.run(automaton.start, Uint8Array.from(bytes(lead))) === null) return;
  throw new ConstraintError(
    "constraint/unsupported",
    `the answer can begin with ${JSON.stringify(lead)}, as a call in the format ${name} does`,
    {
      pointer: "",
      hint: "allow calls or this answer, not both in one reply, or wrap the answer in an object of another shape",
    },
  );
}

/** The text that a reply with calls begins with; "" where a control token comes first, which no answer has. */
function leadOf(before: readonly Segment[]): string {
  const [first] = before;
  return first !== undefined && "text" in first ? first.text : "";
}

function escaped(text: string): string {
  return [...text].map((character) => `\\u{${character.codePointAt(0)!.toString(16)}}`).join("");
}

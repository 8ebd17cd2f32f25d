/**
 * What a template does, found by showing it small conversations. In: a rendering function. Out: how it opens a turn for the model, what ends
 * a turn, and how it writes calls. Law: what is not plain from the renderings is not guessed.
 */
import type { Message, ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { COMPACT, type JsonCalls, type JsonSpacing } from "./format.ts";
import { spellSegments, type Segment } from "./segments.ts";
import { commonBeginning, findOwn, indexOfSigns, type Sign } from "./signs.ts";

type Render = (messages: readonly Message[], tools: readonly ToolSpec[], addGenerationPrompt: boolean) => Sign[];

const user: Message = { role: "user", content: "question" };

export interface Turn {
  readonly opening: readonly Sign[];
  /** The control token behind the text of a reply. */
  readonly turnClose: string;
}

/**
 * @param eos taken for the end of a turn where the template writes none
 * @throws PromptError `prompt/template-failed` when no control token ends a turn, and as the rendering
 */
export function tryTurn(render: Render, eos: string): Turn {
  const open = render([user], [], true);
  const opening = open.slice(commonBeginning(open, render([user], [], false)));
  const replied = render([user, { role: "assistant", content: "answer" }, user], [], true);
  const end = findOwn(replied, 1)?.end ?? replied.length;
  const next = replied.slice(end).find(({ kind }) => kind !== "own");
  const turnClose = next?.kind === "control" ? next.text : eos;
  if (turnClose !== "") return { opening, turnClose };
  throw new PromptError("prompt/template-failed", "the checkpoint's chat template ends a turn with no control token, and none is named", {
    hint: "continue a text with generate()",
  });
}

const tool: ToolSpec = {
  name: "tool",
  description: "description",
  input: {
    type: "object",
    properties: { key: { type: "string", description: "meaning" }, more: { type: "string", description: "meaning" } },
    required: ["key", "more"],
  },
};
const call = (id: string) => ({ id, name: tool.name, input: { key: "value", more: "text" } });
/** The texts of a call. */
const SAID = [tool.name, "key", "value", "more", "text"];
const result = (callId: string): Message => ({ role: "tool", callId, name: tool.name, output: "result" });

/** Null where calls are not JSON, or not to be told from the renderings. */
export function tryCalls(render: Render, opening: readonly Sign[], turnClose: string): JsonCalls | null {
  const one = tryReply(render, opening, turnClose, ["1"]);
  const [before, beforeInput, after, ...rest] = one?.words ?? [];
  if (!before || !beforeInput || !after || rest.length > 0) return null;
  if (before.length === 0 || NAME_LETTER.test(spellSegments(beforeInput))) return null; // no telling calls from texts, nor names from words
  if ([before, beforeInput, after].some((words) => isUnfit(words, turnClose))) return null;
  const two = tryReply(render, opening, turnClose, ["1", "2"])?.words;
  const between = two?.length === 5 && sameAsOne(two, [before, beforeInput, after]) ? two[2]! : null;
  const isPlain = between !== null && !isUnfit(between, turnClose) && !spellSegments(after).startsWith(spellSegments(between));
  return { before, beforeInput, between: isPlain ? between : null, after, spacing: one!.spacing };
}

const NAME_LETTER = /^[A-Za-z0-9_.-]/;

/** Words that stop the reply before its end, or that no token spells. */
function isUnfit(words: readonly Segment[], turnClose: string): boolean {
  return words.some((segment) => ("text" in segment ? /\p{Cs}/u.test(segment.text) : segment.control === turnClose));
}

interface Reply {
  /** The template's words around names and inputs: before a name, before its input, …, behind the last input. */
  readonly words: readonly Segment[][];
  readonly spacing: JsonSpacing;
}

/** How a reply with calls is written. */
function tryReply(render: Render, opening: readonly Sign[], turnClose: string, ids: readonly string[]): Reply | null {
  let signs: Sign[];
  try {
    signs = render([user, { role: "assistant", calls: ids.map(call) }, ...ids.map(result), user], [tool], false);
  } catch (error) {
    if (error instanceof PromptError) return null;
    throw error;
  }
  const own = findOwn(signs, 1);
  const start = own === null ? -1 : indexOfSigns(signs, opening, { last: own.first });
  const end = signs.findIndex((sign, at) => at >= (own?.end ?? 0) && sign.kind === "control" && sign.text === turnClose);
  if (own === null || start < 0 || end < 0) return null;
  return wordsAround(signs.slice(start + opening.length, end), ids.length);
}

function wordsAround(reply: readonly Sign[], calls: number): Reply | null {
  const quoted = reply.flatMap((sign, at) => (sign.kind === "quoted" ? [{ text: sign.text, at }] : []));
  const expected = Array.from({ length: calls }, () => SAID).flat();
  if (JSON.stringify(quoted.map(({ text }) => text)) !== JSON.stringify(expected)) return null;
  const words: Segment[][] = [];
  let from = 0;
  let spacing = COMPACT;
  for (let at = 0; at < quoted.length; at += SAID.length) {
    const [name, key, value, more, text] = quoted.slice(at, at + SAID.length).map((one) => one.at);
    const own = (after: number, before?: number) => spell(reply.slice(after + 1, before));
    const beforeInput = without(segmentsOf(reply.slice(name! + 1, key)), /\{\s*"$/);
    const colon = COLON.exec(own(key!, value))?.[1];
    const comma = COMMA.exec(own(value!, more))?.[1];
    const behind = /^"\s*\}/.exec(own(text!))?.[0];
    if (beforeInput === null || colon === undefined || comma === undefined || !COLON.test(own(more!, text)) || behind === undefined)
      return null;
    words.push(segmentsOf(reply.slice(from, name)), beforeInput);
    from = text! + 1 + behind.length; // the template's own words are one sign a character
    if (IN_LINE.test(comma) && IN_LINE.test(colon)) spacing = { comma, colon };
  }
  words.push(segmentsOf(reply.slice(from)));
  // An id of a call would be one that the model does not know.
  return words.some((segments) => /call0000/.test(JSON.stringify(segments))) ? null : { words, spacing };
}

const COLON = /^"(\s*:\s*)"$/;
const COMMA = /^"(\s*,\s*)"$/;
/** Lines and indents depend on the depth: they are not written. */
const IN_LINE = /^ *[,:] *$/;

function sameAsOne(two: readonly Segment[][], one: readonly Segment[][]): boolean {
  const text = (segments: Segment[] | undefined): string => JSON.stringify(segments);
  return text(two[0]) === text(one[0]) && text(two[1]) === text(one[1]) && text(two[3]) === text(one[1]) && text(two[4]) === text(one[2]);
}

/** Segments without what their last text ends with; null where it does not end so. */
function without(segments: readonly Segment[], ending: RegExp): Segment[] | null {
  const last = segments.at(-1);
  if (last === undefined || !("text" in last) || !ending.test(last.text)) return null;
  const text = last.text.replace(ending, "");
  return [...segments.slice(0, -1), ...(text === "" ? [] : [{ text }])];
}

function segmentsOf(signs: readonly Sign[]): Segment[] {
  const segments: Segment[] = [];
  for (const { kind, text } of signs) {
    const last = segments.at(-1);
    if (kind === "control") segments.push({ control: text });
    else if (last && "text" in last) segments[segments.length - 1] = { text: last.text + text };
    else segments.push({ text });
  }
  return segments;
}

function spell(signs: readonly Sign[]): string {
  return signs.map(({ text }) => text).join("");
}

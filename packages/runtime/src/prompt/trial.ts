/**
 * What a template does, found by showing it small conversations. In: a rendering function. Out: how it opens a turn for the model, what ends
 * a turn, and how it writes calls. Law: what is not plain from the renderings is not guessed.
 */
import type { Message, ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import type { JsonCalls } from "./format.ts";
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
  input: { type: "object", properties: { key: { type: "string", description: "meaning" } }, required: ["key"] },
};
const call = (id: string) => ({ id, name: tool.name, input: { key: "value" } });
const result = (callId: string): Message => ({ role: "tool", callId, name: tool.name, output: "result" });

/** Null where calls are not JSON, or not to be told from the renderings. */
export function tryCalls(render: Render, opening: readonly Sign[], turnClose: string): JsonCalls | null {
  const one = tryReply(render, opening, turnClose, ["1"]);
  const [before, beforeInput, after, ...rest] = one ?? [];
  if (!before || !beforeInput || !after || rest.length > 0) return null;
  if (before.length === 0 || NAME_LETTER.test(spellSegments(beforeInput))) return null; // no telling calls from texts, nor names from words
  if ([before, beforeInput, after].some((words) => isUnfit(words, turnClose))) return null;
  const two = tryReply(render, opening, turnClose, ["1", "2"]);
  const between = two?.length === 5 && sameAsOne(two, [before, beforeInput, after]) ? two[2]! : null;
  const isPlain = between !== null && !isUnfit(between, turnClose) && !spellSegments(after).startsWith(spellSegments(between));
  return { before, beforeInput, between: isPlain ? between : null, after };
}

const NAME_LETTER = /^[A-Za-z0-9_.-]/;

/** Words that stop the reply before its end, or that no token spells. */
function isUnfit(words: readonly Segment[], turnClose: string): boolean {
  return words.some((segment) => ("text" in segment ? /\p{Cs}/u.test(segment.text) : segment.control === turnClose));
}

/** The template's words around names and inputs of a reply with calls: before a name, before its input, …, behind the last input. */
function tryReply(render: Render, opening: readonly Sign[], turnClose: string, ids: readonly string[]): Segment[][] | null {
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

function wordsAround(reply: readonly Sign[], calls: number): Segment[][] | null {
  const quoted = reply.flatMap((sign, at) => (sign.kind === "quoted" ? [{ text: sign.text, at }] : []));
  const expected = Array.from({ length: calls }, () => [tool.name, "key", "value"]).flat();
  if (JSON.stringify(quoted.map(({ text }) => text)) !== JSON.stringify(expected)) return null;
  const words: Segment[][] = [];
  let from = 0;
  for (let at = 0; at < quoted.length; at += 3) {
    const [name, key, value] = quoted.slice(at, at + 3).map((one) => one.at);
    const beforeKey = segmentsOf(reply.slice(name! + 1, key));
    const between = spell(reply.slice(key! + 1, value));
    const beforeInput = without(beforeKey, /\{\s*"$/);
    const behind = /^"\s*\}/.exec(spell(reply.slice(value! + 1)))?.[0];
    if (beforeInput === null || !/^"\s*:\s*"$/.test(between) || behind === undefined) return null;
    words.push(segmentsOf(reply.slice(from, name)), beforeInput);
    from = value! + 1 + behind.length; // the template's own words are one sign a character
  }
  words.push(segmentsOf(reply.slice(from)));
  // An id of a call would be one that the model does not know.
  return words.some((segments) => /call0000/.test(JSON.stringify(segments))) ? null : words;
}

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

/**
 * The same task with names nobody has heard of. In: a conversation. Out: one in which proper names and codes of the reference calls are
 * others, wherever they occur. Law: the same seed gives the same names; nothing that a tool's declaration mentions is renamed, and the
 * reference stays right. A model copies familiar names well; this measures whether it copies.
 */
import { createHash } from "node:crypto";
import { isJsonObject, type Json, type Message } from "@orrery/chat";
import type { Conversation } from "./conversation.ts";

/** A capitalised word, or a code: letters, at least one of them capital, with digits. */
const NAME = /(?<![\p{L}\p{N}_])(?:\p{Lu}\p{Ll}{3,}|(?=\w*[A-Z])(?=\w*\d)\w{3,})(?![\p{L}\p{N}_])/gu;
const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const ONSETS = ["b", "br", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "tr", "v", "w", "z"];
const VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"];
const CODAS = ["", "", "l", "m", "n", "nd", "r", "rk", "s", "sk", "th", "x"];

/** @param seed Other seeds, other names. */
export function renamed(conversation: Conversation, seed: number): Conversation {
  const declared = JSON.stringify(conversation.tools).toLowerCase();
  const names = new Map<string, string>();
  const given = conversation.messages.filter((message) => message.role !== "assistant");
  const source = JSON.stringify(given);
  for (const message of conversation.messages) {
    if (message.role !== "assistant") continue;
    for (const { input } of message.calls ?? [])
      mapTexts(input, (text) => {
        for (const [name] of text.matchAll(NAME))
          if (!names.has(name) && source.includes(name) && !declared.includes(name.toLowerCase())) names.set(name, other(name, seed));
        return text;
      });
  }
  const rename = (text: string) => text.replaceAll(NAME, (name) => names.get(name) ?? name);
  return { ...conversation, messages: conversation.messages.map((message) => renameMessage(message, rename)) };
}

function renameMessage(message: Message, rename: (text: string) => string): Message {
  if (message.role === "tool") return { ...message, output: mapTexts(message.output, rename) };
  if (message.role !== "assistant") return { ...message, content: rename(message.content) };
  const { content, calls } = message;
  return {
    ...message,
    ...(content === undefined ? {} : { content: rename(content) }),
    ...(calls === undefined ? {} : { calls: calls.map((call) => ({ ...call, input: mapTexts(call.input, rename) })) }),
  };
}

/** The value with every text in it replaced; keys stay. */
function mapTexts<Value extends Json>(value: Value, change: (text: string) => string): Value;
function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item: Json) => mapTexts(item, change));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, item === undefined ? item : mapTexts(item, change)]));
}

/** Another name of the same kind: a code keeps its pattern of letters and digits. The bytes of a hash choose. */
function other(name: string, seed: number): string {
  const bytes = createHash("sha512").update(`${seed} ${name}`).digest();
  let used = 0;
  const pick = <T>(list: ArrayLike<T>): T => list[bytes[used++ % bytes.length]! % list.length]!;
  const sign = (c: string) => pick(/\d/.test(c) ? DIGITS : /[A-Z]/.test(c) ? LETTERS.toUpperCase() : LETTERS);
  if (/\d/.test(name)) return name.replaceAll(/[A-Za-z0-9]/g, sign);
  let word = "";
  while (word.length < Math.max(4, name.length - 1)) word += pick(ONSETS) + pick(VOWELS) + pick(CODAS);
  return word[0]!.toUpperCase() + word.slice(1);
}

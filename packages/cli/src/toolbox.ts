/**
 * Which built-in tools a task is given. In: the task's text and all tools. Out: the few that fit it, in their own order. A small
 * model chooses well among about five tools and badly among twelve, so the rest is not declared to it. Law: the same task always
 * gets the same tools; nothing is learnt, nothing is asked of a model.
 *
 * Words are weighted as in BM25 without its length norm: a word counts for more the fewer tools know it, and once per tool.
 */
import { UsageError } from "./errors.ts";
import type { BuiltinTool } from "./tools/builtin-tool.ts";

/** What Orrery Mini was trained on: one to six tools. */
const MAX_CHOSEN = 5;
/** In a conversation, tools of earlier turns stay, up to this many. */
const MAX_KEPT = 6;
/** A tool scoring less than this share of the best is noise, unless a word of the task is known to it alone. */
const NOISE = 0.3;
/** Declared when a task matches no tool, so that there is always something to do the usual things with. */
const FALLBACK = ["calculator", "days_between", "convert_units"];
/** More text than this says nothing new about what a task needs. */
const MAX_TASK_LENGTH = 4_000;
/** How much a tool's name, description and keywords count. */
const WEIGHTS = { name: 2, description: 0.5, keywords: 1 } as const;

/** Shapes in a task that say more than its words. A tool lists the ones it wants among its keywords. */
const FEATURES: Readonly<Record<string, RegExp>> = {
  "@date": /\b\d{4}-\d{1,2}-\d{1,2}\b/,
  "@dates": /\b\d{4}-\d{1,2}-\d{1,2}\b[\s\S]*\b\d{4}-\d{1,2}-\d{1,2}\b/,
  "@arithmetic": /(?<![\d-])\d[\d.,]*\)?\s*(?:[+*/×÷^x]|- |−)\s*\(?\d(?!\d*-\d)/,
  "@amount": /\bhow (?:many|much)\b[^?.!]*\b(?:hours?|minutes?|seconds?|weeks?|total|altogether|each|per|cost)\b/i,
  "@percent": /\d\s*(?:%|percent\b)/i,
  "@list": /(?:-?\d[\d.]*\s*,\s*(?:and\s+)?){2,}-?\d/,
  "@unit":
    /\d\s*(?:km|kilomet\w+|miles?|mi|feet|foot|ft|inch\w*|cm|centimet\w+|met(?:er|re)s?|yards?|pounds?|lbs?|kg|kilos?|kilograms?|grams?|ounces?|oz|lit(?:er|re)s?|gallons?|cups?|pints?|mph|km\/h|kmh|knots?|°\s*[CF]|degrees?|celsius|fahrenheit|[KMG]i?B|acres?|hectares?)\b/i,
  "@path": /(?:^|[\s"'`(])(?:[\w.-]+\/)*[\w-]+\.(?!\d)[A-Za-z]\w{0,5}\b|(?:^|[\s"'`(])[\w.-]{2,}\/(?:[\w./-]{2,}|(?=\s|$))/,
};
/** What one feature counts, before its rarity. */
const FEATURE_WEIGHT = 2;

const STOP_WORDS = new Set(
  "a an and are as at be by can could do does for from how i in into is it its many me much my of on or please the that then there this to was what when which will with would you your".split(
    " ",
  ),
);

/**
 * The tools for a task: at most five, at least one. `kept` are the names that an earlier turn of the conversation already has; they
 * stay (and with them the prompt's prefix in the cache) unless the task needs others.
 */
export function chooseTools(task: string, tools: readonly BuiltinTool[], kept: readonly string[] = []): readonly BuiltinTool[] {
  const wanted = relevantNames(task.slice(0, MAX_TASK_LENGTH), tools);
  const inOrder = (names: ReadonlySet<string>): readonly BuiltinTool[] => tools.filter((each) => names.has(each.tool.name));
  if (kept.length > 0 && wanted.every((name) => kept.includes(name))) return inOrder(new Set(kept));
  // The wanted ones first: what does not fit any more is what an earlier turn wanted.
  if (wanted.length > 0) return inOrder(new Set([...wanted, ...kept].slice(0, kept.length > 0 ? MAX_KEPT : MAX_CHOSEN)));
  const fallback = inOrder(new Set(FALLBACK));
  return fallback.length > 0 ? fallback : tools.slice(0, MAX_CHOSEN);
}

/** The tools named by `--tools a,b` in that order, or all of them for `all`. @throws UsageError `cli/unknown-tool` */
export function namedTools(list: string, tools: readonly BuiltinTool[]): readonly BuiltinTool[] {
  if (list.trim() === "all") return tools;
  const names = [...new Set(list.split(",").map((name) => name.trim()))].filter((name) => name !== "");
  const known = tools.map((each) => each.tool.name).join(", ");
  if (names.length === 0) throw new UsageError("cli/unknown-tool", "--tools names no tool", { hint: `known tools: ${known}` });
  return names.map((name) => {
    const found = tools.find((each) => each.tool.name === name);
    if (!found) throw new UsageError("cli/unknown-tool", `there is no tool '${name}'`, { hint: `known tools: ${known}` });
    return found;
  });
}

/** Names by falling score, without noise. */
function relevantNames(task: string, tools: readonly BuiltinTool[]): readonly string[] {
  const words = taskWords(task);
  const known = tools.map(({ tool, keywords }) => ({
    name: tool.name,
    fields: [
      { weight: WEIGHTS.name, words: new Set(stems(tool.name.replace(/_/g, " "))) },
      { weight: WEIGHTS.description, words: new Set(stems(tool.description)) },
      { weight: WEIGHTS.keywords, words: new Set(stems(keywords)) },
    ],
  }));
  const scores = known.map(({ name }) => ({ name, score: 0, alone: false }));
  for (const word of words) {
    const weights = known.map(({ fields }) => Math.max(0, ...fields.map((field) => (field.words.has(word) ? field.weight : 0))));
    const holders = weights.filter((weight) => weight > 0).length;
    if (holders === 0) continue;
    const rarity = Math.log(1 + (known.length - holders + 0.5) / (holders + 0.5));
    const strength = word.startsWith("@") ? FEATURE_WEIGHT : 1;
    for (const [index, entry] of scores.entries()) {
      const weight = weights[index] ?? 0;
      entry.score += weight * rarity * strength;
      entry.alone ||= weight > 0 && holders === 1;
    }
  }
  const best = Math.max(0, ...scores.map(({ score }) => score));
  return scores
    .filter(({ score, alone }) => score > 0 && (alone || score >= best * NOISE))
    .sort((a, b) => b.score - a.score) // stable: equal scores keep the tools' order
    .slice(0, MAX_CHOSEN)
    .map(({ name }) => name);
}

function taskWords(task: string): ReadonlySet<string> {
  const features = Object.entries(FEATURES).filter(([, shape]) => shape.test(task));
  return new Set([...stems(task).filter((word) => !STOP_WORDS.has(word)), ...features.map(([name]) => name)]);
}

/** Words in lower case without the plural's s and without -ing/-ed: enough to match "files" with "file". */
function stems(text: string): string[] {
  return (text.toLowerCase().match(/@?[\p{L}']+/gu) ?? []).map((word) =>
    word.startsWith("@") || word.length < 4 ? word : word.replace(/(?<!s)s$/, "").replace(/(?<=\p{L}{4})(?:ing|ed)$/u, ""),
  );
}

/**
 * What needs a person's word, and what is forbidden. In: rules, a call, whether untrusted text is in the conversation. Out: a verdict;
 * and of what is always denied a schema, so that it becomes part of the mask. Law: the first rule that fits decides; a rule that
 * cannot be evaluated asks.
 */
import type { JsonSchema, ToolCall } from "@orrery/chat";
import { problemOf } from "./schema.ts";
import type { Effects, Tool, Verdict } from "./tool.ts";

/** Fits a call when all that it names fits. */
export interface Rule {
  /** Names of tools. Default: any. */
  readonly tools?: readonly string[];
  /** Default: any. */
  readonly effects?: readonly Effects[];
  /** A schema of inputs. Default: any. */
  readonly input?: JsonSchema;
  /** Only once a result of an untrusted tool is in the conversation. Default false: always. */
  readonly tainted?: boolean;
  readonly verdict: Verdict;
}

/** What holds where no rule fits: `writes` (default) asks for tools that write or reach out, `always` and `never` say themselves. */
export type Approval = "writes" | "never" | "always" | ((call: ToolCall, tool: Tool) => boolean);

export interface Policy {
  /** The first that fits decides. */
  readonly rules?: readonly Rule[];
  /**
   * Once untrusted text is in the conversation: tools, by name or by effects, that are then illegal, or ask. It takes away and never gives:
   * what the rules deny stays denied.
   */
  readonly whenTainted?: { readonly deny?: readonly string[]; readonly ask?: readonly string[] };
  readonly otherwise?: Approval;
}

const EFFECTS: ReadonlySet<string> = new Set<Effects>(["read", "write", "external"]);

/** A policy as one list of rules and what holds after them. */
export interface Rulebook {
  readonly rules: readonly Rule[];
  /** Make a call that would be allowed ask. */
  readonly asks: readonly Rule[];
  readonly otherwise: Approval;
}

export function rulebook(policy: Approval | Policy = "writes"): Rulebook {
  if (typeof policy !== "object") return { rules: [], asks: [], otherwise: policy };
  const { rules = [], whenTainted = {}, otherwise = "writes" } = policy;
  const { deny = [], ask = [] } = whenTainted;
  return {
    rules: [...deny.map((named) => taintedRule(named, "deny")), ...rules],
    asks: ask.map((named) => taintedRule(named, "ask")),
    otherwise,
  };
}

function taintedRule(named: string, verdict: Verdict): Rule {
  return { ...(EFFECTS.has(named) ? { effects: [named as Effects] } : { tools: [named] }), tainted: true, verdict };
}

export function verdictOf(book: Rulebook, call: ToolCall, tool: Tool, tainted: boolean): Verdict {
  const said = saidOf(book, call, tool, tainted);
  return said === "allow" && book.asks.some((rule) => fits(rule, tool, tainted)) ? "ask" : said;
}

/** Fails safe: a function that throws asks. */
function saidOf({ rules, otherwise }: Rulebook, call: ToolCall, tool: Tool, tainted: boolean): Verdict {
  for (const rule of rules)
    if (fits(rule, tool, tainted) && (!rule.input || problemOf(rule.input, call.input) === undefined)) return rule.verdict;
  try {
    const own = typeof tool.approval === "function" ? tool.approval(call.input) : tool.approval;
    if (own !== undefined) return own === "allow" || own === "deny" ? own : "ask";
    if (otherwise === "never") return "allow";
    if (otherwise === "always") return "ask";
    if (otherwise === "writes") return tool.effects === "read" ? "allow" : "ask";
    return otherwise(call, tool) === false ? "allow" : "ask";
  } catch {
    return "ask";
  }
}

/** The inputs that the rules do not deny, or false when they deny all. */
export function permitted({ rules }: Rulebook, tool: Tool, tainted: boolean): JsonSchema | false {
  let left: JsonSchema | boolean = tool.approval !== "deny";
  for (const rule of rules.toReversed()) {
    if (!fits(rule, tool, tainted)) continue;
    const { input, verdict } = rule;
    if (verdict === "deny") left = input === undefined ? false : left === false ? false : both({ not: input }, left);
    else left = input === undefined || left === true ? true : left === false ? input : { anyOf: [input, left] };
  }
  return left === true ? {} : left;
}

function both(a: JsonSchema, b: JsonSchema | true): JsonSchema {
  if (b === true) return a;
  return { allOf: [a, ...(Array.isArray(b["allOf"]) && Object.keys(b).length === 1 ? (b["allOf"] as JsonSchema[]) : [b])] };
}

function fits({ tools, effects, tainted: onlyTainted = false }: Rule, tool: Tool, tainted: boolean): boolean {
  return (!tools || tools.includes(tool.name)) && (!effects || effects.includes(tool.effects)) && (!onlyTainted || tainted);
}

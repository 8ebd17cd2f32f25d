/**
 * The spans of one trace as rows, in the order of a reader. In: spans. Out: rows with a depth, times from the beginning, and what is to
 * be said of each. Law: every span gives one row, whatever parents a hostile file names; text is still unsanitised here.
 */
import type { Span } from "@orrery/agent";

export interface Row {
  readonly depth: number;
  readonly kind: "run" | "state" | "decision" | "call" | "approval" | "attempt" | "refused" | "other";
  /** What: the name of a tool, a state, the moves that were chosen. */
  readonly label: string;
  /** Further facts, most important first. */
  readonly facts: readonly string[];
  readonly error?: string;
  /** Of prompt and reply; of a run those of all its decisions. */
  readonly tokens?: { readonly input: number; readonly output: number };
  /** Milliseconds since the trace began. */
  readonly at: number;
  /** Milliseconds it took; absent for what has no length. */
  readonly ms?: number;
}

/** Deeper ones are shown at this depth. */
const MAX_DEPTH = 24;

export function spanRows(spans: readonly Span[]): Row[] {
  const begin = spans.reduce((first, span) => Math.min(first, milliseconds(span.startTimeUnixNano)), Infinity);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of spans) {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
    // A later stretch of a run stands beside the first, as it does in time.
    if (!parent || parent === span || (isRun(span) && span.attributes["orrery.resumed"] === true && isRun(parent))) roots.push(span);
    else if (!children.get(parent.spanId)?.push(span)) children.set(parent.spanId, [span]);
  }
  const seen = new Set<Span>();
  const rows: Row[] = [];
  const walk = (first: Span): void => {
    const open: (readonly [Span | Row, number])[] = [[first, 0]];
    for (let next = open.pop(); next; next = open.pop()) {
      const [one, depth] = next;
      if (!("spanId" in one)) {
        rows.push(one);
        continue;
      }
      if (seen.has(one)) continue;
      seen.add(one);
      rows.push(rowOf(one, Math.min(depth, MAX_DEPTH), begin));
      open.push(...below(one, children.get(one.spanId) ?? [], { depth: Math.min(depth + 1, MAX_DEPTH), begin }).toReversed());
    }
  };
  for (const root of roots.sort(byStart)) walk(root);
  for (const span of spans) walk(span); // parents in a circle
  return rows;
}

/** What stands below a span: of a run its children under the states they were in, and the calls that were refused. */
function below(span: Span, children: readonly Span[], { depth, begin }: { depth: number; begin: number }): [Span | Row, number][] {
  if (!isRun(span)) return [...children].sort(byStart).map((child) => [child, depth]);
  const refused = (span.events ?? []).filter(({ name }) => name === "orrery.call_refused");
  const told = [
    ...children.map((child) => ({ at: child.startTimeUnixNano, state: phaseOf(child), one: child as Span | Row })),
    ...refused.map(({ timeUnixNano: time, attributes }) => ({
      at: time,
      state: undefined,
      one: {
        depth: depth + 1,
        kind: "refused" as const,
        label: textOf(attributes["gen_ai.tool.name"]),
        facts: ["not run"],
        error: textOf(attributes["error.type"]),
        at: milliseconds(time) - begin,
      },
    })),
  ].sort((a, b) => compare(a.at, b.at));
  const rows: [Span | Row, number][] = [];
  let state: string | undefined;
  for (const each of told) {
    if (each.state !== undefined && each.state !== state) {
      state = each.state;
      rows.push([{ depth, kind: "state", label: each.state, facts: [], at: milliseconds(each.at) - begin }, depth]);
    }
    rows.push([each.one, depth + 1]);
  }
  return rows;
}

function rowOf(span: Span, depth: number, begin: number): Row {
  const { attributes: a, status, name } = span;
  const start = milliseconds(span.startTimeUnixNano);
  const code = a["error.type"];
  const error = code === undefined ? undefined : [textOf(code), status?.message].filter(Boolean).join(": ");
  const common = { depth, at: start - begin, ms: milliseconds(span.endTimeUnixNano) - start, ...(error === undefined ? {} : { error }) };
  const stopped = a["orrery.stopped"] === true ? ["stopped"] : [];
  if (isRun(span))
    return {
      ...common,
      kind: "run",
      label: runName(span),
      facts: [textOf(a["orrery.status"]), ...masked(span)].filter(Boolean),
      ...tokensOf(span),
    };
  if (a["gen_ai.operation.name"] === "chat")
    return {
      ...common,
      ...tokensOf(span),
      kind: "decision",
      label: namesOf(a["orrery.chosen"]) || "nothing",
      facts: [
        ...(a["orrery.player"] === "person" ? ["played by a person"] : stopped),
        `of ${namesOf(a["orrery.moves"]) || "none"}`,
        ...masked(span),
        ...(Array.isArray(a["orrery.untrusted"]) ? [`tainted by ${namesOf(a["orrery.untrusted"])}`] : []),
      ],
    };
  if (a["gen_ai.operation.name"] === "execute_tool")
    return {
      ...common,
      kind: "call",
      label: textOf(a["gen_ai.tool.name"]),
      facts: [
        ...stopped,
        ...(typeof a["orrery.attempts"] === "number" ? [`${a["orrery.attempts"]} attempts`] : []),
        ...(a["gen_ai.tool.call.arguments"] === undefined ? [] : [textOf(a["gen_ai.tool.call.arguments"])]),
        ...(a["gen_ai.tool.call.result"] === undefined ? [] : [`→ ${textOf(a["gen_ai.tool.call.result"])}`]),
      ],
    };
  if (name.startsWith("orrery.approval"))
    return { ...common, kind: "approval", label: textOf(a["gen_ai.tool.name"]), facts: [textOf(a["orrery.approval"])] };
  if (name === "orrery.attempt") return { ...common, kind: "attempt", label: `attempt ${textOf(a["orrery.attempt"])}`, facts: [] };
  return { ...common, kind: "other", label: name, facts: stopped };
}

function tokensOf({ attributes: a }: Span): Pick<Row, "tokens"> {
  const [input, output] = [numberOf(a["gen_ai.usage.input_tokens"]), numberOf(a["gen_ai.usage.output_tokens"])];
  return input + output > 0 ? { tokens: { input, output } } : {};
}

/** How much probability the mask took from moves that are not legal. */
function masked({ attributes: a }: Span): string[] {
  const percent = Math.round(numberOf(a["orrery.masked_mass"]) * 100);
  return percent > 0 ? [`${percent} % masked`] : [];
}

export function isRun({ attributes }: Span): boolean {
  return attributes["gen_ai.operation.name"] === "invoke_agent";
}

function runName({ attributes: a }: Span): string {
  const who = [textOf(a["gen_ai.agent.name"]), textOf(a["gen_ai.request.model"])].filter(Boolean).join(" · ");
  return `${a["orrery.resumed"] === true ? "resumed" : "run"}${who ? ` ${who}` : ""}`;
}

/** The outermost state that a span was begun in. */
function phaseOf({ attributes }: Span): string | undefined {
  const state = attributes["orrery.state"];
  return typeof state === "string" && state !== "" ? state.split(".")[0] : undefined;
}

function namesOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(", ") : textOf(value);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}

export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

export function milliseconds(nano: string): number {
  return Number(nano) / 1e6;
}

export function byStart(a: Span, b: Span): number {
  return compare(a.startTimeUnixNano, b.startTimeUnixNano);
}

/** Of decimals without leading zeros. */
function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

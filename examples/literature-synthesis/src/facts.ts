/**
 * What a review knows: its searches, what they showed, what was read, what is claimed. In: finished calls. Out: facts as JSON. Law: pure;
 * an id is `seen` only if a search gave it, `read` only if its abstract was returned, claimed only after it was read.
 */
import type { Learn, MoveContext } from "@orrery/agent";
import { isJsonObject, type Json } from "@orrery/chat";

export type Claim = {
  readonly id: string;
  readonly quote: string;
};

export type Synthesis = {
  readonly cites: readonly string[];
  readonly summary: string;
};

export type Facts = {
  readonly searches: readonly string[];
  /** Titles by id. */
  readonly seen: Readonly<Record<string, string>>;
  /** Texts by id. */
  readonly read: Readonly<Record<string, string>>;
  readonly claims: readonly Claim[];
  readonly synthesis: Synthesis | null;
};

export const NO_FACTS: Facts = { searches: [], seen: {}, read: {}, claims: [], synthesis: null };

export function factsOf({ facts }: Pick<MoveContext, "facts">): Facts {
  return facts as Facts;
}

/** Ids that were seen and not read, in the order in which they were seen. */
export function unread({ seen, read }: Facts): string[] {
  return Object.keys(seen).filter((id) => !Object.hasOwn(read, id));
}

/** Abstracts that were read and have no claim yet. */
export function unquoted({ read, claims }: Facts): [id: string, text: string][] {
  return Object.entries(read).filter(([id]) => !claims.some((claim) => claim.id === id));
}

export const learn: Learn = {
  search_papers: (known, { input, output }) => {
    const facts = factsOf({ facts: known });
    const found = hitsIn(output).map(({ id, title }) => [id, title] as const);
    return { ...facts, searches: [...facts.searches, String(input["query"])], seen: { ...Object.fromEntries(found), ...facts.seen } };
  },
  read_paper: (known, { input, output }) => {
    const facts = factsOf({ facts: known });
    if (!isJsonObject(output) || typeof output["text"] !== "string") return known;
    return { ...facts, read: { ...facts.read, [String(input["id"])]: output["text"] } };
  },
  add_claim: (known, { input, error }) => {
    const facts = factsOf({ facts: known });
    if (error !== undefined) return known;
    return { ...facts, claims: [...facts.claims, { id: String(input["id"]), quote: String(input["quote"]) }] };
  },
  finish: (known, { input: { cites, summary } }) => ({
    ...known,
    synthesis: { cites: Array.isArray(cites) ? [...new Set(cites.map(String))] : [], summary: String(summary) },
  }),
};

function hitsIn(output: Json | undefined): { readonly id: string; readonly title: string }[] {
  const papers = isJsonObject(output) ? output["papers"] : undefined;
  return Array.isArray(papers) ? papers.flatMap((paper: Json) => (isHit(paper) ? [paper] : [])) : [];
}

function isHit(paper: Json): paper is { readonly id: string; readonly title: string } {
  return isJsonObject(paper) && typeof paper["id"] === "string" && typeof paper["title"] === "string";
}

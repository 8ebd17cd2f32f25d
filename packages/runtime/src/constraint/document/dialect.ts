/**
 * What `$schema` means: a dialect, as the set of keywords that are read, and the few habits that differ between drafts.
 * Law: a keyword that a dialect does not know is an annotation.
 */

export type Draft = "04" | "06" | "07" | "2019-09" | "2020-12";

export interface Dialect {
  readonly draft: Draft;
  readonly keywords: ReadonlySet<string>;
  /** The keyword that identifies a resource. */
  readonly id: "$id" | "id";
  /** `$ref` overrides everything beside it, and a fragment in `$id` is an anchor. */
  readonly refAlone: boolean;
  /** A list in `items` describes the first items, `additionalItems` those after them. */
  readonly itemsList: boolean;
  /** The format-assertion vocabulary is in use. */
  readonly assertsFormat: boolean;
}

const words = (text: string): readonly string[] => text.split(" ");

/** Ours, in every dialect. */
const EXTENSIONS = words("substringOf uniqueSubstringOf copyFrom");

const VALIDATION_04 = words(
  "type enum multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems " +
    "maxProperties minProperties required format",
);
const APPLICATOR_04 = words(
  "$schema $ref definitions items additionalItems additionalProperties properties patternProperties dependencies allOf anyOf oneOf not",
);
const DRAFT_04 = [...APPLICATOR_04, ...VALIDATION_04];
const DRAFT_06 = [...DRAFT_04, ...words("$id const contains propertyNames")];
const DRAFT_07 = [...DRAFT_06, ...words("if then else contentEncoding contentMediaType")];

const VALIDATION = [...VALIDATION_04.filter((key) => key !== "format"), ...words("const minContains maxContains dependentRequired")];
/** `dependencies` and `definitions` are kept in later drafts, as their metaschemas and ajv do. */
const APPLICATOR = words(
  "items contains additionalProperties properties patternProperties dependentSchemas dependencies propertyNames if then else " +
    "allOf anyOf oneOf not",
);
const UNEVALUATED = words("unevaluatedItems unevaluatedProperties");
const CORE = words("$id $schema $ref $anchor $defs definitions");

/** The official vocabularies, by the end of their URIs. */
const VOCABULARIES: Readonly<Record<"2019-09" | "2020-12", Readonly<Record<string, readonly string[]>>>> = {
  "2019-09": {
    core: [...CORE, ...words("$recursiveRef $recursiveAnchor")],
    applicator: [...APPLICATOR, "additionalItems", ...UNEVALUATED],
    validation: VALIDATION,
    format: ["format"],
    content: ["contentSchema"],
    "meta-data": [],
  },
  "2020-12": {
    core: [...CORE, ...words("$dynamicRef $dynamicAnchor")],
    applicator: [...APPLICATOR, "prefixItems"],
    unevaluated: UNEVALUATED,
    validation: VALIDATION,
    "format-annotation": ["format"],
    "format-assertion": ["format"],
    content: ["contentSchema"],
    "meta-data": [],
  },
};
const VOCABULARY_URI = /^https:\/\/json-schema\.org\/draft\/(2019-09|2020-12)\/vocab\/([a-z-]+)$/;

function dialect(draft: Draft, keywords: Iterable<string>, assertsFormat = false): Dialect {
  const old = draft === "04" || draft === "06" || draft === "07";
  return {
    draft,
    keywords: new Set([...keywords, ...EXTENSIONS]),
    id: draft === "04" ? "id" : "$id",
    refAlone: old,
    itemsList: draft !== "2020-12",
    assertsFormat,
  };
}

const every = (draft: "2019-09" | "2020-12") => Object.values(VOCABULARIES[draft]).flat();

const DIALECTS: Readonly<Record<Draft, Dialect>> = {
  "04": dialect("04", [...DRAFT_04, "id"]),
  "06": dialect("06", DRAFT_06),
  "07": dialect("07", DRAFT_07),
  "2019-09": dialect("2019-09", every("2019-09")),
  "2020-12": dialect("2020-12", every("2020-12")),
};

export function dialectOfDraft(draft: Draft): Dialect {
  return DIALECTS[draft];
}

/** The dialect of an official metaschema; undefined for any other URI. Without fragment, http or https. */
export function officialDialect(uri: string): Dialect | undefined {
  const [, old, later] = /^https?:\/\/json-schema\.org\/(?:draft-(04|06|07)|draft\/(2019-09|2020-12))\/schema$/.exec(uri) ?? [];
  const draft = (old ?? later) as Draft | undefined;
  return draft && DIALECTS[draft];
}

/** The dialect of a metaschema's `$vocabulary`, or the URI of a vocabulary that it requires and nobody here knows. */
export function dialectOfVocabularies(vocabularies: Readonly<Record<string, unknown>>): Dialect | { readonly unknown: string } {
  const keywords = new Set<string>();
  let draft: Draft = "2019-09";
  let assertsFormat = false;
  for (const [uri, required] of Object.entries(vocabularies)) {
    const [, version, name = ""] = VOCABULARY_URI.exec(uri) ?? [];
    const known = VOCABULARIES[version as "2019-09" | "2020-12"];
    if (!known || !Object.hasOwn(known, name)) {
      if (required !== false) return { unknown: uri };
      continue;
    }
    if (version === "2020-12") draft = "2020-12";
    assertsFormat ||= name === "format-assertion" || (version === "2019-09" && name === "format" && required === true);
    for (const keyword of known[name]!) keywords.add(keyword);
  }
  return dialect(draft, keywords, assertsFormat);
}

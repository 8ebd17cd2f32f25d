/**
 * The formats of JSON Schema as languages. In: a name. Out: a language, compiled when it is first asked for. Law: what is accepted is valid
 * by the RFC and by ajv-formats in its full mode.
 */
import { intersection, union } from "../boolean.ts";
import { length } from "../counted.ts";
import { EVERY_STRING } from "../dfa.ts";
import type { Language } from "../language.ts";
import { pattern } from "../pattern/pattern.ts";
import { EMAIL, HOSTNAME, IPV4, IPV6 } from "./address.ts";
import { IRI, IRI_REFERENCE, JSON_POINTER, RELATIVE_JSON_POINTER, URI, URI_REFERENCE, URI_TEMPLATE } from "./resource.ts";
import { DATE, DURATION, TIME } from "./time.ts";

interface Format {
  /** Alternatives, each of patterns that must all match the whole string. */
  readonly sources: readonly (readonly string[])[];
  /** Code points at most. */
  readonly longest?: number;
}

const FORMATS = new Map<string, Format>([
  ["date", { sources: [[DATE]] }],
  ["time", { sources: TIME }],
  ["date-time", { sources: TIME.map((sources) => sources.map((source) => `${DATE}[Tt]${source}`)) }],
  ["duration", { sources: [[DURATION]] }],
  ["email", { sources: [[EMAIL]], longest: 254 }],
  ["hostname", { sources: [[HOSTNAME]], longest: 253 }],
  ["ipv4", { sources: [[IPV4]] }],
  ["ipv6", { sources: [[IPV6]] }],
  ["uuid", { sources: [["[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"]] }],
  ["uri", { sources: [[URI]] }],
  ["uri-reference", { sources: [[URI_REFERENCE]] }],
  ["iri", { sources: [[IRI]] }],
  ["iri-reference", { sources: [[IRI_REFERENCE]] }],
  ["uri-template", { sources: [[URI_TEMPLATE]] }],
  ["json-pointer", { sources: [[JSON_POINTER]] }],
  ["relative-json-pointer", { sources: [[RELATIVE_JSON_POINTER]] }],
  ["byte", { sources: [["(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=)?"]] }],
]);
/** OpenAPI's names for any string. */
const ANY = ["password", "binary"];

const compiled = new Map<string, Language>(ANY.map((name) => [name, EVERY_STRING]));

/** The names of the formats that {@link format} knows. */
export const FORMAT_NAMES: readonly string[] = [...FORMATS.keys(), ...ANY];

/** Formats of JSON Schema (2020-12, section 7.3) that no automaton of bearable size decides. */
export const UNDECIDED_FORMATS: ReadonlySet<string> = new Set(["regex", "idn-email", "idn-hostname"]);

/**
 * The strings of a format. Undefined for a name that is not known, and for those of {@link UNDECIDED_FORMATS}. Left out although the RFC has
 * them: encoded Unicode labels in `hostname`; and what ajv-formats refuses: quoted local parts and address literals in `email`, dots in names
 * and apostrophes in `uri-template`, an empty path behind the scheme of `uri`.
 */
export function format(name: string): Language | undefined {
  let language = compiled.get(name);
  const known = FORMATS.get(name);
  if (language || !known) return language;
  const where = { subject: `format '${name}'`, pointer: "" };
  const whole = (source: string) => pattern(`^(?:${source})$`, where);
  const alternatives = known.sources.map((sources) => intersection(sources.map(whole), where));
  language = intersection([union(alternatives, where), length(0, known.longest ?? Infinity)], where);
  compiled.set(name, language);
  return language;
}

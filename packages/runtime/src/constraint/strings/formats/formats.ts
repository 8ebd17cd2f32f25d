/**
 * The formats of JSON Schema as languages. In: a name. Out: a language, compiled when it is first asked for. Law: what is accepted is valid
 * by the RFC and by ajv-formats in its full mode.
 */
import { counted } from "../counted.ts";
import { EVERY_STRING, type Dfa } from "../dfa.ts";
import type { Language } from "../language.ts";
import { pattern } from "../pattern/pattern.ts";
import { EMAIL, HOSTNAME, IPV4, IPV6 } from "./address.ts";
import { IRI, IRI_REFERENCE, JSON_POINTER, RELATIVE_JSON_POINTER, URI, URI_REFERENCE, URI_TEMPLATE } from "./resource.ts";
import { DATE, DURATION, TIME } from "./time.ts";

interface Format {
  /** A pattern for the whole string. */
  readonly source: string;
  /** Code points at most. */
  readonly longest?: number;
}

const FORMATS = new Map<string, Format>([
  ["date", { source: DATE }],
  ["time", { source: TIME }],
  ["date-time", { source: `${DATE}[Tt]${TIME}` }],
  ["duration", { source: DURATION }],
  ["email", { source: EMAIL, longest: 254 }],
  ["hostname", { source: HOSTNAME, longest: 253 }],
  ["ipv4", { source: IPV4 }],
  ["ipv6", { source: IPV6 }],
  ["uuid", { source: "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" }],
  ["uri", { source: URI }],
  ["uri-reference", { source: URI_REFERENCE }],
  ["iri", { source: IRI }],
  ["iri-reference", { source: IRI_REFERENCE }],
  ["uri-template", { source: URI_TEMPLATE }],
  ["json-pointer", { source: JSON_POINTER }],
  ["relative-json-pointer", { source: RELATIVE_JSON_POINTER }],
  ["byte", { source: "(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=)?" }],
]);
/** OpenAPI's names for any string. */
const ANY = ["password", "binary"];

const compiled = new Map<string, Language>(ANY.map((name) => [name, EVERY_STRING]));

/** The names of the formats that {@link format} knows. */
export const FORMAT_NAMES: readonly string[] = [...FORMATS.keys(), ...ANY];

/**
 * The strings of a format. Undefined for a name that is not known, and for `regex`, `idn-email` and `idn-hostname`, which no automaton
 * decides. Left out although the RFC has them: quoted local parts and address literals in `email`, encoded Unicode labels in `hostname`,
 * dots in the names of `uri-template`, an empty path behind the scheme of `uri`.
 */
export function format(name: string): Language | undefined {
  let language = compiled.get(name);
  const known = FORMATS.get(name);
  if (language || !known) return language;
  const where = { subject: `format '${name}'`, pointer: "" };
  const whole = pattern(`^(?:${known.source})$`, where) as Dfa;
  language = known.longest === undefined ? whole : counted(whole, { min: 0, max: known.longest }, where);
  compiled.set(name, language);
  return language;
}

/**
 * URIs, IRIs, URI templates and JSON pointers as pattern sources (RFC 3986, 3987, 6570, 6901). Law: where ajv-formats is stricter than the
 * RFC, so are these.
 */
import { IPV4, IPV6 } from "./address.ts";

const HEX = "[0-9a-fA-F]";
const ENCODED = `%${HEX}{2}`;
const UNRESERVED = "0-9a-zA-Z\\-._~";
const DELIMITERS = "!$&'()*+,;=";
/** RFC 3987's ucschar. */
const UNICODE =
  "\\u{a0}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{ffef}" +
  Array.from({ length: 14 }, (_, i) => `\\u{${(i + 1).toString(16)}${i === 13 ? "1" : "0"}000}-\\u{${(i + 1).toString(16)}fffd}`).join("");
const PRIVATE = "\\u{e000}-\\u{f8ff}\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}";

const SCHEME = "[a-zA-Z][0-9a-zA-Z+\\-.]*";

export const URI = reference(UNRESERVED, "").absolute;
export const URI_REFERENCE = reference(UNRESERVED, "").any;
export const IRI = reference(UNRESERVED + UNICODE, PRIVATE).absolute;
export const IRI_REFERENCE = reference(UNRESERVED + UNICODE, PRIVATE).any;

/** `#` is no part of a fragment, as everywhere in RFC 3986. */
function reference(unreserved: string, inQuery: string): { readonly absolute: string; readonly any: string } {
  const characters = (more: string) => `(?:[${unreserved}${DELIMITERS}${more}]|${ENCODED})`;
  const segment = `${characters(":@")}*`;
  const filled = `${characters(":@")}+`;
  const literal = `\\[(?:${IPV6}|[vV]${HEX}+\\.[${UNRESERVED}${DELIMITERS}:]+)\\]`;
  const authority = `(?:${characters(":")}*@)?(?:${literal}|${IPV4}|${characters("")}*)(?::\\d*)?`;
  const rooted = `(?:\\/\\/${authority}(?:\\/${segment})*|\\/(?:${filled}(?:\\/${segment})*)?)`;
  const tail = `(?:\\?(?:[${unreserved}${DELIMITERS}:@\\/?${inQuery}]|${ENCODED})*)?(?:#(?:[${unreserved}${DELIMITERS}:@\\/?]|${ENCODED})*)?`;
  // ajv-formats wants something behind the scheme.
  const absolute = `${SCHEME}:(?:${rooted}|${filled}(?:\\/${segment})*)${tail}`;
  const relative = `(?:${rooted}|${characters("@")}+(?:\\/${segment})*)?${tail}`;
  return { absolute, any: `(?:${absolute}|${relative})` };
}

export const URI_TEMPLATE = template();

function template(): string {
  const literal = `[!#$&(-;=?-\\[\\]_a-z~${UNICODE}${PRIVATE}]|${ENCODED}`;
  // RFC 6570 takes dots within names, ajv-formats does not.
  const name = `(?:[0-9a-zA-Z_]|${ENCODED})+`;
  const variable = `${name}(?::[1-9]\\d{0,3}|\\*)?`;
  return `(?:${literal}|\\{[+#.\\/;?&=,!@|]?${variable}(?:,${variable})*\\})*`;
}

export const JSON_POINTER = "(?:\\/(?:[^~\\/]|~[01])*)*";
export const RELATIVE_JSON_POINTER = `(?:0|[1-9]\\d*)(?:#|${JSON_POINTER})`;

/** Sets of strings and the terminals that read them. In: lists, lengths, patterns, formats, texts. Out: languages. */
export type { Edge, Language, Run } from "./language.ts";
export { EVERY_STRING, NO_STRING } from "./dfa.ts";
export { strings } from "./strings.ts";
export { length } from "./counted.ts";
export { pattern } from "./pattern/pattern.ts";
export { complement, intersection, union, without } from "./boolean.ts";
export { cardinality, has, isEmpty, some } from "./members.ts";
export { textPart, type Spelling } from "./text-part.ts";
export { format, FORMAT_NAMES, UNDECIDED_FORMATS } from "./formats/formats.ts";
export { copiedFrom } from "./copied.ts";
export { substringOf, uniqueSubstringOf } from "./substring.ts";
export { isEndless } from "./without.ts";
export { recordedText } from "./recorded-text.ts";

/** The classes that patterns name. In: a name. Out: a set of code points. Law: Unicode's properties are those of the engine itself. */
import { ALL, codePointSet, without, type CodePointSet } from "../code-points.ts";

export const DIGITS: CodePointSet = [0x30, 0x39];
export const WORDS: CodePointSet = codePointSet([0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]);
/** ECMA-262's WhiteSpace and LineTerminator. */
export const SPACES: CodePointSet = codePointSet([
  0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000,
  0xfeff, 0xfeff,
]);
/** All but line terminators. */
export const DOT: CodePointSet = without(codePointSet([0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029]));

/** Code points that are looked at in one text. */
const BLOCK = 0x4000;

const properties = new Map<string, CodePointSet>();

/** The code points of `\p{…}`; `name` is what stands between the braces, and is valid. */
export function property(name: string): CodePointSet {
  let set = properties.get(name);
  if (!set) {
    set = scan(new RegExp(`\\p{${name}}+`, "gu"));
    properties.set(name, set);
  }
  return set;
}

/** All code points that the expression, which matches runs of them, finds. */
function scan(runs: RegExp): CodePointSet {
  const pairs: number[] = [];
  for (let i = 0; i < ALL.length; i += 2)
    for (let first = ALL[i]!; first <= ALL[i + 1]!; first = (first | (BLOCK - 1)) + 1) {
      const last = Math.min(first | (BLOCK - 1), ALL[i + 1]!);
      const text = String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, offset) => first + offset));
      // No block has characters of one and of two units.
      const units = first > 0xffff ? 2 : 1;
      for (const { index, 0: run } of text.matchAll(runs)) pairs.push(first + index / units, first + (index + run.length) / units - 1);
    }
  return codePointSet(pairs);
}

/** Names of languages. In: what a language is made of. Out: a short string. Law: equal names, equal languages. */
import { createHash } from "node:crypto";

/** Longer names are replaced by their hash. */
const LONGEST = 120;

/** The name of `kind` made of `parts`, each of which is a name or a text. */
export function keyOf(kind: string, parts: readonly string[]): string {
  const key = `${kind}${JSON.stringify(parts)}`;
  return key.length <= LONGEST ? key : `${kind}#${createHash("sha256").update(key).digest("base64url")}`;
}

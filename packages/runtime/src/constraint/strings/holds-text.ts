/** Does a language hold a text that a schema or a conversation gave it? In: a language. Law: what does not is small, or listed. */
import { CopiedLanguage } from "./copied.ts";
import { CountedLanguage } from "./counted.ts";
import type { Language } from "./language.ts";
import { ProductLanguage } from "./product.ts";
import { SubstringLanguage } from "./substring.ts";
import { UnionLanguage } from "./union.ts";
import { WithoutLanguage } from "./without.ts";

export function holdsText(language: Language): boolean {
  if (language instanceof CountedLanguage) return holdsText(language.language);
  if (language instanceof WithoutLanguage) return holdsText(language.base) || holdsText(language.missing);
  if (language instanceof ProductLanguage || language instanceof UnionLanguage) return holdsText(language.a) || holdsText(language.b);
  return language instanceof SubstringLanguage || language instanceof CopiedLanguage;
}

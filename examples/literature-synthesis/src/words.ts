/**
 * Words and phrases of a question. In: text that a person wrote. Out: the words that say something, and the phrases made of them. Pure.
 */

/** Words that say nothing about a topic. */
const EMPTY = new Set(
  (
    "a about after all also an and any are as at be been before between but by can could did do does during each effect effects far for " +
    "from had has have how if in influence into is it its known less like make many may mean more most much near not of on or our out " +
    "over show shown some than that the their them then there these they this those through to under upon was were what when where " +
    "whether which while who why will with without would you your studies study evidence find found paper papers research say says tell"
  ).split(" "),
);

const WORD = /[\p{L}\p{N}]+(?:[-'’][\p{L}\p{N}]+)*/gu;

/** Words that a search can use, in lower case, each once. */
export function searchWords(text: string): string[] {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word.length > 1 && !EMPTY.has(word));
  return [...new Set(words)];
}

export const PHRASE_LIMITS = { words: 6, phrases: 60 } as const;

/**
 * The phrases of a question that a search can be made with: word for word pieces of it, that begin and end with a word that says
 * something and cross no punctuation. Of at least two such words where the question has a phrase of two, since one word alone seldom
 * says what is asked. Long ones first.
 */
export function phrasesOf(question: string): readonly string[] {
  const phrases = question.split(/[^\p{L}\p{N}\s'’-]+/u).flatMap(piecesOf);
  const wide = phrases.filter(({ telling }) => telling > 1);
  const kept = (wide.length > 0 ? wide : phrases).sort((a, b) => b.telling - a.telling || a.text.length - b.text.length);
  return [...new Set(kept.map(({ text }) => text))].slice(0, PHRASE_LIMITS.phrases);
}

function piecesOf(part: string): { readonly text: string; readonly telling: number }[] {
  const words = [...part.matchAll(WORD)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
    telling: searchWords(match[0]).length > 0,
  }));
  return words.flatMap((first, i) =>
    words.slice(i, i + PHRASE_LIMITS.words).flatMap((last, length) => {
      if (!first.telling || !last.telling) return [];
      const telling = words.slice(i, i + length + 1).filter((word) => word.telling).length;
      return [{ text: part.slice(first.from, last.to), telling }];
    }),
  );
}

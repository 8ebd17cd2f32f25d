/**
 * All suffixes of a text in order. In: numbers. Out: where each suffix begins, and how much neighbours share. Law: sorted by doubling, so
 * that text which repeats itself costs no more than other text.
 */

/** The beginnings of the suffixes, in the order of the suffixes; a suffix comes before its continuations. */
export function suffixArray(text: Int32Array): Int32Array {
  const count = text.length;
  const alphabet = new Map([...new Set(text)].sort((a, b) => a - b).map((letter, rank) => [letter, rank]));
  let rank = Int32Array.from(text, (letter) => alphabet.get(letter)!);
  let ranks = alphabet.size;
  let order = sortedBy(rank, ranks, Int32Array.from(text.keys()));
  for (let width = 1; ranks < count; width *= 2) {
    // By the second half: those without one first. Then, keeping that order, by the first half.
    const bySecond = new Int32Array(count);
    let filled = 0;
    for (let at = Math.max(0, count - width); at < count; at++) bySecond[filled++] = at;
    for (const at of order) if (at >= width) bySecond[filled++] = at - width;
    order = sortedBy(rank, ranks, bySecond);
    const finer = new Int32Array(count);
    ranks = 0;
    for (let i = 0; i < count; i++) {
      const [at, previous] = [order[i]!, order[i - 1] ?? -1];
      const same = i > 0 && rank[at] === rank[previous] && (rank[at + width] ?? -1) === (rank[previous + width] ?? -1);
      finer[at] = same ? ranks - 1 : ranks++;
    }
    rank = finer;
  }
  return order;
}

/** By place in the order: how long a beginning the suffix shares with the one before; one place more than suffixes, 0 at both ends. */
export function sharedWithPrevious(text: Int32Array, order: Int32Array): Int32Array {
  const place = new Int32Array(order.length);
  order.forEach((at, i) => void (place[at] = i));
  const shared = new Int32Array(order.length + 1);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const i = place[at]!;
    if (i === 0) {
      length = 0;
      continue;
    }
    const before = order[i - 1]!;
    while (at + length < text.length && text[at + length] === text[before + length]) length++;
    shared[i] = length;
    if (length > 0) length--;
  }
  return shared;
}

/** The indices by rank; those of one rank keep their order. */
function sortedBy(rank: Int32Array, ranks: number, indices: Int32Array): Int32Array {
  const place = new Int32Array(ranks + 1);
  for (const at of indices) place[rank[at]! + 1]!++;
  for (let one = 1; one <= ranks; one++) place[one]! += place[one - 1]!;
  const sorted = new Int32Array(indices.length);
  for (const at of indices) sorted[place[rank[at]!]!++] = at;
  return sorted;
}

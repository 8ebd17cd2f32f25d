/** What two runs of tokens share. */

/** Tokens that `a` and `b` have in common from the start, 0 to the shorter length. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}

/** A small seeded generator. In: a seed. Out: numbers in [0, 1). Law: the same seed gives the same numbers on every machine. */

/** The next number in [0, 1), of 32 random bits. */
export type Random = () => number;

/** Rounds thrown away so that near seeds part; the author's own choice. */
const WARM_UP = 15;

/**
 * sfc32, the 32-bit "small fast counting" generator of Chris Doty-Humphrey's PractRand 0.93 (public domain): 128 bits of state, one
 * of them a counter, so that no period is shorter than 2^32. `seed` is any finite number; its 64 bits are all used.
 */
export function createRandom(seed: number): Random {
  const words = new Uint32Array(new Float64Array([seed]).buffer);
  let a = 0;
  let b = words[0]! | 0;
  let c = words[1]! | 0;
  let counter = 1;

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }

  for (let i = 0; i < WARM_UP; i++) next();
  return next;
}

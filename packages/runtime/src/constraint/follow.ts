/** What may come after a terminal that has ended. In: the tops that are reached then. Out: a set of bytes. Law: no byte that may come is missing. */
import type { Terminal } from "./part.ts";

export interface Follow {
  /** Equal keys, equal bytes. */
  readonly key: string;
  /** 1 by byte that may come. */
  readonly has: Uint8Array;
}

export const NOTHING_FOLLOWS: Follow = { key: "", has: new Uint8Array(256) };

interface Reached {
  readonly part: Terminal;
  readonly state: number;
  readonly ending: readonly number[];
}

export function followOf(tops: Iterable<Reached>): Follow {
  const has = new Uint8Array(256);
  for (const { part, state, ending } of tops) {
    for (const byte of ending) has[byte] = 1;
    const only = part.only(state);
    if (only >= 0) {
      if (only < 256) has[only] = 1;
      continue;
    }
    for (let byte = 0; byte < 256; byte++) if (has[byte] === 0 && part.step(state, byte) >= 0) has[byte] = 1;
  }
  return followOfBytes([...has.keys()].filter((byte) => has[byte] === 1));
}

/** These bytes, in ascending order. */
export function followOfBytes(bytes: readonly number[]): Follow {
  const has = new Uint8Array(256);
  for (const byte of bytes) has[byte] = 1;
  return { key: bytes.join(), has };
}

/** The same, and these bytes. */
export function withBytes(follow: Follow, bytes: readonly number[]): Follow {
  if (bytes.every((byte) => follow.has[byte] === 1)) return follow;
  const all = new Set(bytes);
  follow.has.forEach((one, byte) => {
    if (one === 1) all.add(byte);
  });
  return followOfBytes([...all].sort((a, b) => a - b));
}

/**
 * From the spelling of a token in a vocabulary file to the bytes it stands for. Three spellings exist: `byte-level` (GPT-2's alphabet
 * of 256 printable characters), `sentence-piece` (U+2581 is a space, `<0x0A>` is one byte) and `plain` (the text itself).
 */

export type Spelling = "byte-level" | "sentence-piece" | "plain";

const UTF8 = new TextEncoder();

/** GPT-2's alphabet, inverted: character code → byte. Printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards. */
const BYTE_OF_CODE: ReadonlyMap<number, number> = (() => {
  const map = new Map<number, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(printable ? byte : next++, byte);
  }
  return map;
})();

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** The bytes of a token; undefined for the empty token. A byte-level token with foreign characters stands for its own UTF-8. */
export function bytesOfToken(token: string, spelling: Spelling): Uint8Array | undefined {
  if (token === "") return undefined;
  if (spelling === "plain") return UTF8.encode(token);
  if (spelling === "byte-level") return byteLevel(token) ?? UTF8.encode(token);
  const byte = BYTE_TOKEN.exec(token)?.[1];
  return byte === undefined ? UTF8.encode(token.replaceAll("\u2581", " ")) : Uint8Array.of(Number.parseInt(byte, 16));
}

function byteLevel(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CODE.get(token.charCodeAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

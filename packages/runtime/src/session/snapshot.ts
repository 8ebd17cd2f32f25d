/**
 * A sequence as bytes. In: tokens, rows, and the fingerprint of the model that computed them. Out: the same again, or an error that says
 * what differs. Law: nothing is allocated before the length of the whole has been found to be what its counts say. Little-endian:
 *
 * | Offset | | |
 * |---|---|---|
 * | 0 | 8 bytes | `orrerysq` |
 * | 8 | u32 | version of this layout, 1 |
 * | 12 | u32 F | bytes of the fingerprint |
 * | 16 | u32 N | tokens |
 * | 20 | u32 | reach: the shortest length to which the sequence can be rewound |
 * | 24 | F bytes | fingerprint, JSON in UTF-8, padded with spaces to a multiple of 4 |
 * | | N × u32 | token ids |
 * | | float32 | of each span, of each of its arrays: rows from the first that is kept (see `keptFrom`) to N |
 * | | 32 bytes | SHA-256 of all before |
 */
import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { SessionError } from "../errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { SpanRows } from "./rows.ts";
import { keptFrom, type Span } from "./spans.ts";

const MAGIC = "orrerysq";
const VERSION = 1;
const HEAD_BYTES = 24;
const HASH_BYTES = 32;
/** A fingerprint is a few hundred bytes. */
const MAX_FINGERPRINT = 4096;
/** Hashed between two turns of the event loop: some milliseconds. */
const HASH_STRIDE = 2 ** 23;

/** What a snapshot must fit. */
export interface SnapshotShape {
  readonly spans: readonly Span[];
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly fingerprint: Fingerprint;
}

export interface Snapshot {
  readonly tokens: readonly number[];
  readonly reach: number;
  /** Of each span, of each of its arrays. Copies. */
  readonly rows: readonly Float32Array<ArrayBuffer>[];
}

/** All that stands before the rows. */
export function snapshotHead(fingerprint: Fingerprint, tokens: readonly number[], reach: number): Uint8Array<ArrayBuffer> {
  const json = Buffer.from(JSON.stringify(fingerprint));
  const padded = json.length + (-json.length & 3);
  const head = new Uint8Array(HEAD_BYTES + padded + 4 * tokens.length).fill(0x20, HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(Buffer.from(MAGIC));
  head.set(json, HEAD_BYTES);
  [VERSION, padded, tokens.length, reach].forEach((word, i) => view.setUint32(8 + 4 * i, word, true));
  tokens.forEach((token, i) => view.setUint32(HEAD_BYTES + padded + 4 * i, token, true));
  return head;
}

/** The snapshot: `head`, the first `length` rows, and the hash. */
export function storeRows(head: Uint8Array, spans: readonly SpanRows[], length: number, reach: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    head.length +
      rowBytes(
        length,
        reach,
        spans.map(({ span }) => span),
      ) +
      HASH_BYTES,
  );
  bytes.set(head);
  let at = head.length;
  for (const rows of spans) {
    const first = keptFrom(reach, rows.span.window);
    for (let i = 0; first < length && i < rows.span.arrays.length; i++) {
      const view = rows.view(i, first, length - first);
      bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at);
      at += view.byteLength;
    }
  }
  bytes.set(createHash("sha256").update(bytes.subarray(0, at)).digest(), at);
  return bytes;
}

/** @throws SessionError `session/snapshot-damaged`, `session/snapshot-version`, `session/snapshot-mismatch` */
export async function readSnapshot(
  bytes: Uint8Array,
  { spans, contextLength, vocabularySize, fingerprint }: SnapshotShape,
): Promise<Snapshot> {
  if (bytes.length < HEAD_BYTES + HASH_BYTES) throw damaged(`has ${bytes.length} bytes, expected at least ${HEAD_BYTES + HASH_BYTES}`);
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) throw damaged(`does not begin with ${MAGIC}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, described, count, reach] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  if (version !== VERSION) throw wrongVersion(version, VERSION);
  if (described > MAX_FINGERPRINT || described % 4 !== 0 || HEAD_BYTES + described + HASH_BYTES > bytes.length)
    throw damaged(`names a fingerprint of ${described} bytes`);
  checkFingerprint(parseFingerprint(bytes.subarray(HEAD_BYTES, HEAD_BYTES + described)), fingerprint);
  if (count > contextLength) throw damaged(`names ${count} tokens, the context holds ${contextLength}`);
  if (reach > count) throw damaged(`can be rewound to ${reach} tokens at the least, and has ${count}`);
  const start = HEAD_BYTES + described;
  const expected = start + 4 * count + rowBytes(count, reach, spans) + HASH_BYTES;
  if (bytes.length !== expected) throw damaged(`has ${bytes.length} bytes, expected ${expected} for ${count} tokens`);
  await checkHash(bytes);

  const tokens = Array.from({ length: count }, (_, i) => view.getUint32(start + 4 * i, true));
  const bad = tokens.find((token) => token >= vocabularySize);
  if (bad !== undefined) throw damaged(`has the token ${bad}, ids run from 0 to ${vocabularySize - 1}`);
  let at = start + 4 * count;
  const rows = spans.flatMap(({ window, arrays }) =>
    arrays.map(({ width }) => {
      const copy = new Float32Array((count - Math.min(count, keptFrom(reach, window))) * width);
      new Uint8Array(copy.buffer).set(bytes.subarray(at, (at += copy.byteLength)));
      return copy;
    }),
  );
  return { tokens, reach, rows };
}

function rowBytes(length: number, reach: number, spans: readonly Span[]): number {
  return spans.reduce((sum, { window, rowBytes }) => sum + (length - Math.min(length, keptFrom(reach, window))) * rowBytes, 0);
}

function parseFingerprint(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw damaged("has a fingerprint that is not JSON", cause);
  }
}

/** Names every field that differs. @throws SessionError `session/snapshot-mismatch` */
export function checkFingerprint(found: unknown, expected: Fingerprint): void {
  const fields = new Map(Object.entries(typeof found === "object" && found !== null ? found : {}));
  const differing = Object.entries(expected).filter(([name, value]) => fields.get(name) !== value);
  if (differing.length === 0) return;
  const facts = differing.map(([name, value]) => `${name} is ${brief(fields.get(name))}, expected ${brief(value)}`);
  throw new SessionError("session/snapshot-mismatch", `the snapshot is of another model: ${facts.join("; ")}`, {
    hint: "restore it with the model that wrote it, or compute the conversation again",
  });
}

async function checkHash(bytes: Uint8Array): Promise<void> {
  const end = bytes.length - HASH_BYTES;
  const hash = createHash("sha256");
  for (let at = 0; at < end; at += HASH_STRIDE) {
    hash.update(bytes.subarray(at, Math.min(end, at + HASH_STRIDE)));
    if (at + HASH_STRIDE < end) await turn();
  }
  if (!hash.digest().equals(bytes.subarray(end))) throw damaged("has another SHA-256 than it says");
}

/** Hashes are told by their beginning; what a file says is cut short. */
function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 24 ? `${text.slice(0, 16)}…` : text;
}

export function wrongVersion(found: number, expected: number): SessionError {
  return new SessionError("session/snapshot-version", `the snapshot has layout version ${found}, expected ${expected}`, {
    hint: "it was written by another version of Orrery; compute the conversation again",
  });
}

export function damaged(what: string, cause?: unknown): SessionError {
  return new SessionError("session/snapshot-damaged", `the snapshot ${what}`, {
    hint: "the copy is cut short or was changed; compute the conversation again",
    cause,
  });
}

/**
 * One file from the hub to its place. In: a file's path, size and hash. Out: the file. Law: it is there whole and with that hash, or not at
 * all; what came before a cut is not fetched again; a server that brings nothing new is asked a bounded number of times.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HubError } from "../errors.ts";
import { badAnswer } from "./answers.ts";
import { RANGE_NOT_SATISFIABLE, type Answer, type HubClient } from "./client.ts";
import { PartialFile } from "./partial.ts";
import type { ProgressMeter } from "./progress.ts";
import { fileUrl, type HubFile } from "./repository.ts";
import { aborted, Attempts } from "./retry.ts";

/** What is fetched, and from where to where. */
export interface Download {
  readonly client: HubClient;
  readonly repository: string;
  readonly commit: string;
  readonly file: HubFile;
  /** Directory of downloads under way. */
  readonly partial: string;
  /** Absolute path that the file gets. */
  readonly target: string;
  /** Whether it has come meanwhile, through another process. */
  readonly isThere: () => Promise<boolean>;
  readonly meter: ProgressMeter;
}

/** New bytes that make up for a failure. */
const PROGRESS_BYTES = 2 ** 20;
const WAIT_MS = 500;

/** @throws HubError */
export async function download(wanted: Download): Promise<void> {
  const partial = await claim(wanted);
  if (partial === null) return;
  try {
    const pieces = await complete(wanted, partial);
    if (pieces > 1 && partial.digest() !== wanted.file.hash.value) {
      await partial.restart(); // what an earlier process left was damaged, or the server gave pieces of different files
      await complete(wanted, partial);
    }
    const found = partial.digest();
    if (found !== wanted.file.hash.value) throw await wrongHash(wanted, partial, found);
    const size = await partial.size();
    if (size !== wanted.file.bytes) throw await wrongSize(wanted, partial, String(size)); // another process wrote there too
  } catch (error) {
    await partial.keep();
    throw error;
  }
  await partial.finish(wanted.target);
}

/** Null when another process has fetched the file. */
async function claim({ client, file, partial, isThere }: Download): Promise<PartialFile | null> {
  const { signal, onProgress } = client.settings;
  for (let waits = 0; ; waits++) {
    const claimed = await PartialFile.claim(partial, file);
    if (await isThere()) {
      await claimed?.discard();
      return null;
    }
    if (claimed !== null) return claimed;
    if (waits === 0) onProgress({ type: "waiting", file: file.path });
    await pause(Math.ceil(WAIT_MS * Math.random()), undefined, { ...(signal && { signal }) }).catch(() => {
      throw aborted(signal);
    });
  }
}

/** Asks until all bytes are there. Out: in how many pieces they came, what was there before included. */
async function complete(wanted: Download, partial: PartialFile): Promise<number> {
  const { client, file, meter } = wanted;
  const attempts = new Attempts(client.settings);
  let farthest = partial.length;
  let pieces = partial.length > 0 ? 2 : 0; // one that is whole may be damaged as well
  meter.file(file.path, partial.length, file.bytes, 0);
  while (partial.length < file.bytes) {
    try {
      pieces++;
      await receive(wanted, partial);
    } catch (error) {
      if (partial.length >= farthest + PROGRESS_BYTES) {
        attempts.progressed();
        farthest = partial.length;
      }
      await attempts.failed(error);
    }
  }
  return pieces;
}

/** One request, from where the file stands. */
async function receive(wanted: Download, partial: PartialFile): Promise<void> {
  const { client, repository, commit, file, meter } = wanted;
  const range: Record<string, string> = partial.length > 0 ? { range: `bytes=${partial.length}-` } : {};
  const subject = client.subject(repository, `file ${file.path}`);
  const answer = await client.open(fileUrl(client, repository, commit, file.path), range, subject);
  let read = false;
  try {
    await checkAnswer(answer, wanted, partial);
    read = true;
    for await (const chunk of answer.chunks) {
      if (partial.length + chunk.byteLength > file.bytes) throw await wrongSize(wanted, partial, `more than ${file.bytes}`);
      await partial.append(chunk);
      meter.file(file.path, partial.length, file.bytes, chunk.byteLength);
    }
  } finally {
    if (!read) answer.close();
  }
  if (partial.length < file.bytes)
    throw new HubError("hub/interrupted", `${repository}: ${file.path} ended after ${partial.length} of ${file.bytes} bytes`, {
      hint: "fetch again: it goes on from here",
    });
}

/** The body that follows belongs to this file and begins where it stands. */
async function checkAnswer({ response, etag }: Answer, wanted: Download, partial: PartialFile): Promise<void> {
  const { repository, file } = wanted;
  if (etag !== null && etag.length === file.hash.value.length && etag !== file.hash.value) throw await wrongHash(wanted, partial, etag);
  if (response.status === RANGE_NOT_SATISFIABLE) {
    await partial.restart();
    throw new HubError("hub/interrupted", `${repository}: ${file.path} cannot be resumed, so it is fetched from its start`, {
      hint: "fetch again",
    });
  }
  if (response.status !== 206) {
    if (partial.length > 0) await partial.restart(); // the server knows no ranges
    const length = response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
    if (length !== null && Number(length) !== file.bytes) throw await wrongSize(wanted, partial, length);
    return;
  }
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  if (Number(start) !== partial.length) {
    throw badAnswer(`${repository}: ${file.path} was asked for from byte ${partial.length} and is answered from another`);
  }
  if (total !== "*" && Number(total) !== file.bytes) throw await wrongSize(wanted, partial, String(total));
}

async function wrongSize({ repository, file }: Download, partial: PartialFile, found: string): Promise<HubError> {
  await partial.restart();
  return new HubError("hub/wrong-size", `${repository}: ${file.path} comes with ${printable(found)} bytes, expected ${file.bytes}`, {
    hint: "what came was thrown away; fetch again, and if it stays so, do not trust this endpoint",
  });
}

async function wrongHash({ repository, file }: Download, partial: PartialFile, found: string): Promise<HubError> {
  await partial.restart();
  const { algorithm, value } = file.hash;
  const name = algorithm === "sha256" ? "SHA-256" : "git hash";
  return new HubError("hub/wrong-hash", `${repository}: ${file.path} comes with the ${name} ${found}, expected ${value}`, {
    hint: "what came was thrown away; fetch again, and if it stays so, do not trust this endpoint",
  });
}

function printable(text: string): string {
  return text.replace(/[^\d a-z]/g, "?").slice(0, 40);
}

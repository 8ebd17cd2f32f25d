/**
 * A conversation in a file, for `orrery chat --session`. In: a path. Out: its messages and tools; beside it, in `<path>.cache`, what the
 * model remembers of it. Law: the messages are the truth and are never half written; a cache that does not fit costs time, not the
 * conversation.
 */
import { messageSchema, toOrreryError, type Message } from "@orrery/chat";
import { randomUUID } from "node:crypto";
import { access, constants, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { CliError } from "./errors.ts";
import type { OpenModel } from "./host.ts";

/** More than any context can hold is no conversation. */
const MAX_BYTES = 2 ** 26;

const fileSchema = z.object({ format: z.literal(1), messages: z.array(messageSchema), tools: z.array(z.string()) });

export interface SavedChat {
  readonly messages: readonly Message[];
  readonly tools: readonly string[];
}

/** Where a conversation is kept: a link stays a link, and the file that it leads to is replaced. */
export async function chatPath(path: string): Promise<string> {
  return realpath(path).catch(() => path); // not there yet
}

/** The conversation of a file; an empty one where there is no file but could be one. @throws CliError `cli/bad-session` */
export async function readChat(path: string): Promise<SavedChat> {
  try {
    const found = await stat(path);
    const { size } = found;
    if (!found.isFile()) throw new Error("it is no file"); // a pipe would never end
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, expected at most ${MAX_BYTES}`);
    const { messages, tools } = fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
    return { messages: messages as readonly Message[], tools };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw badSession(path, "read", thrown);
  }
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw badSession(path, "written", cause); // told now, and not when the first answer is to be kept
  });
  return { messages: [], tools: [] };
}

/** Replaces the file when all is written. @throws CliError `cli/bad-session` */
export async function writeChat(path: string, { messages, tools }: SavedChat): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${JSON.stringify({ format: 1, messages, tools })}\n`, { flag: "wx", mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw badSession(path, "written", thrown);
  }
}

/** Takes up what the model remembered. → why it could not, where there was something. */
export async function recall(model: OpenModel, path: string): Promise<string | undefined> {
  const cache = cachePath(path);
  if (!(await stat(cache).catch(() => undefined))) return undefined;
  return model.loadCache(cache).then(
    () => undefined,
    (thrown: unknown) => toOrreryError(thrown, "cli/bad-session").message,
  );
}

/** Writes down what the model remembers. → why it could not: the conversation itself is saved already. */
export async function remember(model: OpenModel, path: string): Promise<string | undefined> {
  return model.saveCache(cachePath(path)).then(
    () => undefined,
    (thrown: unknown) => toOrreryError(thrown, "cli/bad-session").message,
  );
}

function cachePath(path: string): string {
  return `${path}.cache`;
}

function badSession(path: string, verb: string, cause: unknown): CliError {
  const why = cause instanceof z.ZodError ? z.prettifyError(cause) : cause instanceof Error ? cause.message : String(cause);
  return new CliError("cli/bad-session", `${path} cannot be ${verb} as a conversation: ${why}`, {
    hint: "name another file with --session, or move this one away",
    cause,
  });
}

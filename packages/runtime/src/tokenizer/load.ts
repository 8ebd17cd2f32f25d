/** The tokenizer of a checkpoint folder: reads `tokenizer.json` and, if it is there, `tokenizer_config.json`. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerError } from "../errors.ts";
import { chatTemplate, type ChatTemplate } from "./chat-template.ts";
import { createTokenizer } from "./tokenizer.ts";
import type { Tokenizer } from "./vocabulary.ts";

/** Three times the largest we know (Gemma's, 33 MB). */
const MAX_FILE_BYTES = 100_000_000;

/** A tokenizer and what tells it from others. */
export interface TokenizerFiles {
  readonly tokenizer: Tokenizer;
  /** SHA-256 of its files, hexadecimal. */
  readonly hash: string;
}

/**
 * The tokenizer of a folder, such as a checkpoint of Hugging Face: `tokenizer.json` and, if it is there, `tokenizer_config.json`.
 *
 * @throws TokenizerError as {@link createTokenizer}; `tokenizer/no-file` when there is no tokenizer.json, `tokenizer/bad-json`
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  return (await openTokenizer(folder)).tokenizer;
}

/** @throws TokenizerError as {@link loadTokenizer} */
export async function openTokenizer(folder: string): Promise<TokenizerFiles> {
  const [file, config] = await Promise.all([readJson(join(folder, "tokenizer.json")), readJson(join(folder, "tokenizer_config.json"))]);
  if (file === undefined)
    throw new TokenizerError("tokenizer/no-file", `there is no tokenizer.json in ${folder}`, {
      hint: "export the model again, or name the folder of an export or a checkpoint",
    });
  const hash = createHash("sha256")
    .update(file.hash)
    .update(config?.hash ?? "")
    .digest("hex");
  return { tokenizer: createTokenizer(file.json, config?.json), hash };
}

interface ReadJson {
  readonly json: unknown;
  /** SHA-256 of the file. */
  readonly hash: Uint8Array;
}

/** How the checkpoint says that conversations are written. @throws TokenizerError `tokenizer/too-large`, `tokenizer/bad-json` */
export async function loadChatTemplate(folder: string): Promise<ChatTemplate> {
  const [config, text] = await Promise.all([
    readJson(join(folder, "tokenizer_config.json")),
    readBytes(join(folder, "chat_template.jinja")),
  ]);
  return chatTemplate(config?.json, text?.toString("utf8"));
}

/** The file; undefined when it does not exist. */
async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES)
      throw new TokenizerError("tokenizer/too-large", `${path} has ${size} bytes, expected at most ${MAX_FILE_BYTES}`, {
        hint: "fetch the file again, from a source you trust",
      });
    return await readFile(path);
  } catch (cause) {
    if (typeof cause === "object" && cause !== null && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
}

/** The parsed file; undefined when it does not exist. */
async function readJson(path: string): Promise<ReadJson | undefined> {
  const bytes = await readBytes(path);
  if (bytes === undefined) return undefined;
  try {
    return { json: JSON.parse(bytes.toString("utf8")), hash: createHash("sha256").update(bytes).digest() };
  } catch (cause) {
    throw new TokenizerError("tokenizer/bad-json", `${path} is not JSON`, { cause, hint: "the download is cut short; fetch it again" });
  }
}

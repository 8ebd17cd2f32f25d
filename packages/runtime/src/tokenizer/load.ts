/** The tokenizer of a checkpoint folder: reads `tokenizer.json` and, if it is there, `tokenizer_config.json`. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerError } from "../errors.ts";
import { chatTemplate, type ChatTemplate } from "./chat-template.ts";
import { createTokenizer } from "./tokenizer.ts";
import type { Tokenizer } from "./vocabulary.ts";

/** Three times the largest we know (Gemma's, 33 MB). */
const MAX_FILE_BYTES = 100_000_000;

/** @throws TokenizerError as {@link createTokenizer}; `tokenizer/no-file` when there is no tokenizer.json, `tokenizer/bad-json` */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const [json, config] = await Promise.all([readJson(join(folder, "tokenizer.json")), readJson(join(folder, "tokenizer_config.json"))]);
  if (json === undefined)
    throw new TokenizerError("tokenizer/no-file", `there is no tokenizer.json in ${folder}`, {
      hint: "export the model again, or name the folder of an export or a checkpoint",
    });
  return createTokenizer(json, config);
}

/** How the checkpoint says that conversations are written. @throws TokenizerError `tokenizer/too-large`, `tokenizer/bad-json` */
export async function loadChatTemplate(folder: string): Promise<ChatTemplate> {
  const [config, text] = await Promise.all([
    readJson(join(folder, "tokenizer_config.json")),
    readText(join(folder, "chat_template.jinja")),
  ]);
  return chatTemplate(config, text);
}

/** The text of the file; undefined when it does not exist. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES)
      throw new TokenizerError("tokenizer/too-large", `${path} has ${size} bytes, expected at most ${MAX_FILE_BYTES}`, {
        hint: "fetch the file again, from a source you trust",
      });
    return await readFile(path, "utf8");
  } catch (cause) {
    if (typeof cause === "object" && cause !== null && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
}

/** The parsed file; undefined when it does not exist. */
async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TokenizerError("tokenizer/bad-json", `${path} is not JSON`, { cause, hint: "the download is cut short; fetch it again" });
  }
}

/**
 * What a checkpoint's files say of how a conversation is written. In: parsed tokenizer_config.json of unknown make, and the text of
 * chat_template.jinja. Out: plain strings. Law: the file of its own goes first, as in transformers.
 */

export interface ChatTemplate {
  /** Jinja; undefined where the checkpoint has none. */
  readonly source: string | undefined;
  /** The tokens that the template calls `bos_token` and `eos_token`; "" where none are named. */
  readonly bos: string;
  readonly eos: string;
}

export function chatTemplate(config: unknown, file?: string): ChatTemplate {
  const fields: { readonly [key: string]: unknown } = typeof config === "object" && config !== null ? { ...config } : {};
  return { source: file ?? sourceOf(fields["chat_template"]), bos: tokenOf(fields["bos_token"]), eos: tokenOf(fields["eos_token"]) };
}

/** A text, or a list of named ones: that for tools, which also serves without, or the default. */
function sourceOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = new Map<unknown, string>();
  for (const one of value as readonly unknown[])
    if (typeof one === "object" && one !== null && "name" in one && "template" in one && typeof one.template === "string")
      named.set(one.name, one.template);
  return named.get("default") ?? named.get("tool_use");
}

/** A token by its text, or as an object that has it. */
function tokenOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null && "content" in value && typeof value.content === "string" ? value.content : "";
}

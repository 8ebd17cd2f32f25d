/**
 * Which added tokens are control tokens: ids that give a prompt its shape and must never come out of text. In: an added token and the
 * names that tokenizer_config.json gives to tokens. Law: in doubt a token is control; text that spells it then stays text.
 */

/**
 * Tokens written with a bar inside angle brackets (`<|turn>`, `<turn|>`, `<|"|>`), and Gemma 3's `<start_of_turn>`, `<end_of_image>`. Some
 * files do not mark those as special: llama.cpp's converter leaves out the images' ones.
 */
const SPELLING = /^<(?:\|.+|.+\||(?:start|end)_of_\w+)>$/s;

/** True when the token is marked special, named in the config, or spelt like a control token. */
export function isControl(token: { readonly content: string; readonly special: boolean }, names: ReadonlySet<string>): boolean {
  return token.special || names.has(token.content) || SPELLING.test(token.content);
}

/** The tokens that tokenizer_config.json names: fields that end in `_token`, and the lists of additional and extra special tokens. */
export function namedControls(config: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  if (typeof config !== "object" || config === null) return names;
  const add = (value: unknown): void => {
    if (typeof value === "string" && value !== "") names.add(value);
    else if (typeof value === "object" && value !== null && "content" in value && typeof value.content === "string")
      names.add(value.content);
  };
  for (const [key, value] of Object.entries(config)) {
    if (key.endsWith("_token")) add(value);
    else if ((key === "additional_special_tokens" || key === "extra_special_tokens") && typeof value === "object" && value !== null)
      Object.values(value).forEach(add);
  }
  return names;
}

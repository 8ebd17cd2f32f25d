/** `npm start -w examples/constrained-logits -- "Send …" "Send …"`: one parcel for each sentence. */
import { modelDirectory } from "@orrery/model";
import { compile, loadTokenizer } from "@orrery/runtime/constraint";
import { OnnxModel } from "./model.ts";
import { promptOf } from "./prompt.ts";
import { PARCEL } from "./schema.ts";
import { write } from "./write.ts";

const DEFAULT = "Send the vase to Ada Lovelace on 2026-12-01, 2.5 kg, fragile, with high priority.";
const sentences = process.argv.length > 2 ? process.argv.slice(2) : [DEFAULT];

const tokenizer = await loadTokenizer(modelDirectory);
const grammar = compile(PARCEL, tokenizer, { order: "declared" });
const end = tokenizer.controlId("<turn|>");
const model = await OnnxModel.load(modelDirectory);
for (const sentence of sentences) {
  model.reset();
  const { text, tokens, forced } = await write(model, grammar, promptOf(sentence, tokenizer), { tokenizer, end, maxTokens: 300 });
  console.log(`» ${sentence}\n${text}\n${tokens} tokens, ${forced} of them forced`);
}
await model.close();

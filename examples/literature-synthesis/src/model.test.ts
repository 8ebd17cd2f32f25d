import { loadModel } from "@orrery/runtime";
import { testFolder } from "./folder.test.support.ts";
import { Library } from "./library.ts";
import { review } from "./review.ts";
import { OWN_ABSTRACTS } from "./folder.ts";
import { faultOf } from "./tasks.ts";

test("Orrery Mini reviews street trees: it quotes what it read, and makes no illegal move", async () => {
  const here = await testFolder();
  const library = await Library.open({ folder: OWN_ABSTRACTS, indexes: here.indexes });
  const model = await loadModel();
  try {
    let markdown = "";
    const publish = (text: string): Promise<string> => Promise.resolve((markdown = text));
    const made = await review(model, { question: "How much do street trees cool the air in summer?", library, publish });
    expect(made).toMatchObject({ status: "reported", result: { illegal: 0 } });
    const relevant = ["P001", "P002", "P003", "P004", "P005", "P006"];
    expect(faultOf(made, { library, relevant, markdown })).toBeUndefined();
    for (const { quote } of made.claims) expect(markdown).toContain(quote);
  } finally {
    await model.dispose();
    library.close();
    await here.remove();
  }
}, 300_000);

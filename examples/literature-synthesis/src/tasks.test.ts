import { randomModel } from "@orrery/agent/testing";
import type { ChatModel, Json } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { testFolder } from "./folder.test.support.ts";
import { Library } from "./library.ts";
import { review, type Review } from "./review.ts";
import { OWN_ABSTRACTS } from "./folder.ts";
import { faultOf, tasks } from "./tasks.ts";

const call = (name: string, input: Record<string, Json> = {}): ScriptedReply => ({ calls: [{ name, input }] });
const F5 = "Air beneath irrigated crowns was 0.9 °C cooler than beneath unirrigated crowns, although both groups gave equal shade.";
const F1 = "Avenues with closed canopies were on average 1.3 °C cooler between two and five in the afternoon than avenues without trees.";
const good = [
  call("search_papers", { query: "street trees" }),
  call("start_reading"),
  call("read_paper", { id: "P005" }),
  call("read_paper", { id: "P001" }),
  call("start_extracting"),
  call("add_claim", { id: "P001", quote: F1 }),
  call("add_claim", { id: "P005", quote: F5 }),
  call("start_writing"),
  call("finish", { cites: ["P001"], summary: "In the afternoon avenues with trees were cooler." }),
];

test("there are tasks enough, each with a name of its own", () => {
  expect(tasks().length).toBeGreaterThanOrEqual(16);
  expect(new Set(tasks().map(({ name }) => name)).size).toBe(tasks().length);
});

test("a task succeeds with a good report, and says why not with another; illegal replies are counted", async () => {
  const task = tasks().find(({ name }) => name === "street-trees")!;
  expect(await task.run(scriptedModel(good), { seed: 1 })).toEqual({ success: true, steps: 9, illegal: 0 });
  const wrong = [...good.slice(0, 5), call("add_claim", { id: "P002", quote: F1 }), call("nothing_relevant")];
  expect(await task.run(scriptedModel(wrong))).toEqual({ success: false, steps: 6, illegal: 1, reason: "0 claims" });
  expect(await task.run(randomModel(3, { illegal: 1 }))).toMatchObject({ success: false, illegal: 3 });
  const broken: ChatModel = {
    ...scriptedModel([]),
    stream() {
      throw new TypeError("no model");
    },
  };
  expect(await task.run(broken)).toEqual({ success: false, steps: 0, illegal: 0, reason: "no report: no model" });
});

test("what is wrong with a review is found in its steps and in the library, not taken from its facts", async () => {
  const here = await testFolder();
  const library = await Library.open({ folder: OWN_ABSTRACTS, indexes: here.indexes });
  let markdown = "";
  const publish = (text: string): Promise<string> => Promise.resolve((markdown = text));
  const made = await review(scriptedModel(good), { question: "How much do street trees cool the air in summer?", library, publish });
  const relevant = ["P001", "P005"];
  const fault = (change: Partial<Review>, more = {}) => faultOf({ ...made, ...change }, { library, relevant, markdown, ...more });
  expect(fault({})).toBeUndefined();
  expect(fault({ status: "stopped", reason: "cancelled" })).toBe("no report: cancelled");
  expect(fault({ claims: made.claims.slice(1) })).toBe("1 claims");
  expect(fault({ claims: [...made.claims, { id: "P004", quote: "x" }] })).toBe("P004 was cited and not read");
  expect(fault({ claims: [made.claims[0]!, { id: "P005", quote: F1 }] })).toBe("a quote from P005 is not verbatim");
  expect(fault({}, { relevant: ["P001"] })).toBe("off the topic: P005");
  expect(fault({}, { markdown: "P001 P005" })).toBe("P001 is not in the report");
  library.close();
  await here.remove();
});

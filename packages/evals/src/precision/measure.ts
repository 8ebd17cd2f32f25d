/**
 * Precisions and policies against a float32 reference. In: exported models of one checkpoint, conversations. Out: quality per class of
 * tokens, calls, time, memory. Law: every contestant computes the reference's own tokens, in turn with the others, so quality and time
 * are of the same work; only where a token would have been another one does it write a reply of its own.
 */
import { OrreryError } from "@orrery/chat";
import { fixedPolicy, loadModel, type LoadedModel, type Manifest, type PrecisionPolicy, type Trace } from "@orrery/runtime";
import { goldTurns, type Conversation, type GoldTurn } from "../conversation.ts";
import { sameCalls } from "../score.ts";
import { Tally, type ContestantFigures } from "./tally.ts";

/** Reply tokens at most; as `npm run eval`. */
const MAX_TOKENS = 160;

export interface PrecisionOptions {
  /** A float32 export. */
  readonly reference: string;
  /** Exports in fixed precision; the first one is what times are compared with. */
  readonly fixed: readonly string[];
  /** Exports whose steps choose; each is measured low, full, with every rule of `policy` alone and with all of them. */
  readonly choosing: readonly string[];
  readonly policy: PrecisionPolicy;
  readonly conversations: readonly Conversation[];
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onTurn?: (done: number, total: number) => void;
}

export interface ContestantReport extends ContestantFigures {
  readonly precision: string;
  /** Bytes of the weight files, and by how much the process grew when the model was loaded and had run once. */
  readonly memory: { readonly weights: number; readonly resident: number };
}

export interface PrecisionReport {
  readonly model: string;
  readonly conversations: number;
  readonly turns: number;
  readonly tokens: number;
  /** Name of the contestant that times are compared with. */
  readonly baseline: string;
  readonly policy: PrecisionPolicy;
  /** The reference itself, whose quality figures are by definition perfect. */
  readonly reference: ContestantReport;
  readonly contestants: readonly ContestantReport[];
}

type Speaker = Pick<LoadedModel, "trace">;

/** A model that was opened, with what it cost. */
interface Opened {
  readonly model: LoadedModel;
  readonly precision: string;
  readonly memory: ContestantReport["memory"];
}

interface Contestant {
  readonly speaker: Speaker;
  readonly of: Opened;
  readonly tally: Tally;
}

/** @throws OrreryError `eval/other-model` when an export is of another checkpoint than the reference; what loading and running throws */
export async function measurePrecision(options: PrecisionOptions): Promise<PrecisionReport> {
  const opened: Opened[] = [];
  try {
    const open = async (directory: string): Promise<Opened> => {
      const one = await openContestant(directory, options.threads);
      opened.push(one);
      requireSame(one.model, opened[0]!.model, directory);
      return one;
    };
    const referenceModel = await open(options.reference);
    const contestants: Contestant[] = [];
    for (const directory of options.fixed) contestants.push(contestant(await open(directory), (model) => model, ""));
    for (const directory of options.choosing) {
      const one = await open(directory);
      for (const [name, policy] of variants(options.policy)) contestants.push(contestant(one, (model) => model.withPolicy(policy), name));
    }
    const reference = contestant(referenceModel, (model) => model, "");

    const turns = options.conversations.flatMap((conversation) => goldTurns(conversation).map((gold) => ({ conversation, gold })));
    for (const [index, { conversation, gold }] of turns.entries()) {
      options.signal?.throwIfAborted();
      await runTurn(conversation, gold, reference, rotated(contestants, index));
      options.onTurn?.(index + 1, turns.length);
    }
    const baseline = contestants[0] ?? reference;
    const report = ({ tally, of }: Contestant): ContestantReport => ({
      ...tally.figures(baseline.tally.timings),
      precision: of.precision,
      memory: of.memory,
    });
    return {
      model: referenceModel.model.id,
      conversations: options.conversations.length,
      turns: turns.length,
      tokens: reference.tally.figures(baseline.tally.timings).classes.all?.tokens ?? 0,
      baseline: baseline.tally.name,
      policy: options.policy,
      reference: report(reference),
      contestants: contestants.map(report),
    };
  } finally {
    for (const { model } of opened) await model.dispose();
  }

  function contestant(of: Opened, speak: (model: LoadedModel) => Speaker, name: string): Contestant {
    return { speaker: speak(of.model), of, tally: new Tally(name === "" ? of.precision : `${of.precision}: ${name}`) };
  }
}

/** low, full, each rule alone (those that are switched off too: the report is how one decides about them), all that are on. */
export function variants(policy: PrecisionPolicy): (readonly [name: string, policy: PrecisionPolicy])[] {
  return [
    ["low", fixedPolicy("low")],
    ["full", fixedPolicy("full")],
    ...policy.rules.map((rule): [string, PrecisionPolicy] => [`only ${rule.name}`, { ...policy, rules: [{ ...rule, enabled: true }] }]),
    ["policy", policy],
  ];
}

async function openContestant(directory: string, threads: number | undefined): Promise<Opened> {
  const before = process.memoryUsage().rss;
  const model = await loadModel(directory, { sequences: 2, ...(threads === undefined ? {} : { threads }) });
  await model.trace({ messages: [{ role: "user", content: "Hello" }], maxTokens: 2 });
  const resident = Math.max(0, process.memoryUsage().rss - before);
  const { weights, files } = manifestOf(model, directory);
  const bytes = files.filter(({ name }) => name.endsWith(".bin")).reduce((sum, file) => sum + file.bytes, 0);
  return { model, precision: weights.precision, memory: { weights: bytes, resident } };
}

/** @throws OrreryError `eval/no-export`: graphs of others say neither what they were made of nor in which precision */
function manifestOf({ manifest }: LoadedModel, directory: string): Manifest {
  if (manifest !== null) return manifest;
  throw new OrreryError("eval/no-export", `${directory} holds ONNX graphs, expected an export`, {
    hint: "export the checkpoint with orrery export",
  });
}

function requireSame(model: LoadedModel, reference: LoadedModel, directory: string): void {
  const [found, expected] = [model, reference].map((one) => manifestOf(one, directory).source.sha256);
  if (found !== expected)
    throw new OrreryError("eval/other-model", `${directory} was made of a checkpoint with SHA-256 ${found}, the reference of ${expected}`, {
      hint: "export both from the same checkpoint",
    });
}

/** The contestants take turns at being first, so that none always finds warm caches. */
function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function runTurn({ tools }: Conversation, gold: GoldTurn, reference: Contestant, contestants: readonly Contestant[]): Promise<void> {
  const request = { messages: gold.history, tools, maxTokens: MAX_TOKENS };
  const truth = await reference.speaker.trace(request);
  const judge = (tally: Tally, { message }: Trace): void => {
    const calls = message.calls ?? [];
    tally.judge(
      gold.calls.length > 0 ? sameCalls(calls, gold.calls) : undefined,
      truth.message.calls ? sameCalls(calls, truth.message.calls) : undefined,
    );
  };
  reference.tally.add(truth, truth);
  judge(reference.tally, truth);
  for (const { speaker, tally } of contestants) {
    const found = await speaker.trace(request, truth.ids);
    const flipped = tally.add(truth, found);
    judge(tally, flipped ? await speaker.trace(request) : truth);
  }
}

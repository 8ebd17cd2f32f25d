/**
 * Several replies at once: computed together against taking turns. One export is opened twice, with lanes 8 and with lanes 1; both do the
 * same, alternating. docs/decisions/2026-11-24-sequences-computed-together.md
 *
 *   npm run batch --prefix bench -- [--export dir] [--threads 2] [--rounds 5] [--decode 32] [--contexts 64,512] [--replies 1,2,4,8]
 *
 * Prints tokens per second of all replies together, as median (min … max), and the ratio round by round.
 */
import { parseArgs } from "node:util";
import { openSession } from "../packages/runtime/dist/index.js";
import { spread, timed } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    export: { type: "string", default: new URL("../packages/model/data", import.meta.url).pathname },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    decode: { type: "string", default: "32" },
    contexts: { type: "string", default: "64,512" },
    replies: { type: "string", default: "1,2,4,8" },
  },
});
const numbers = (list) => list.split(",").map(Number);
const [rounds, decode, threads] = [Number(values.rounds), Number(values.decode), Number(values.threads)];
const together = await openSession(values.export, { threads, lanes: 8 });
const turns = await openSession(values.export, { threads, lanes: 1 });

const prompt = (length, seed) => Array.from({ length }, (_, i) => 300 + ((i * 7919 + (seed + 1) * 104729) % 40000));

function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

async function reply(sequence, logits) {
  const ids = [];
  for (let i = 0; i < decode; i++) {
    ids.push(argmax(logits));
    logits = await sequence.append([ids.at(-1)]);
  }
  return ids;
}

/** Tokens per second of `count` replies after prompts of `context` tokens, and what they were. */
async function run(session, count, context) {
  const started = [];
  for (let i = 0; i < count; i++) {
    const sequence = session.createSequence();
    started.push({ sequence, logits: await sequence.append(prompt(context, i)) });
  }
  const { ms, result } = await timed(() => Promise.all(started.map(({ sequence, logits }) => reply(sequence, logits))));
  for (const { sequence } of started) sequence.dispose();
  return { rate: (1000 * count * decode) / ms, ids: result };
}

for (const context of numbers(values.contexts)) {
  for (const count of numbers(values.replies)) {
    await run(together, count, context);
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      const [first, second] = round % 2 ? [turns, together] : [together, turns];
      const [a, b] = [await run(first, count, context), await run(second, count, context)];
      pairs.push(round % 2 ? { together: b, turns: a } : { together: a, turns: b });
    }
    const same = pairs[0].together.ids.flat().filter((id, i) => id === pairs[0].turns.ids.flat()[i]).length;
    console.log(
      `${count} replies at ${context}: tokens/s together ${spread(pairs.map((p) => p.together.rate))}, in turns ${spread(pairs.map((p) => p.turns.rate))}, ` +
        `ratio ${spread(
          pairs.map((p) => p.together.rate / p.turns.rate),
          2,
        )}, same tokens ${same} of ${count * decode}`,
    );
  }
}
await together.dispose();
await turns.dispose();

/**
 * What an agent framework costs beside its model. One run: an instant model calls a typed tool, sees the result and answers. Out: CPU
 * microseconds a run (user and system, garbage collection included), frameworks alternating, each in a process of its own, with the ratio to
 * Orrery in the same round; then the bytes of agents that wait and of runs that go on at once.
 *
 *   npm run overhead --prefix bench [-- --rounds 9] [--runs 1000] [--json]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spread } from "./measure.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    runs: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(flags.rounds);
const runs = Number(flags.runs);

const FRAMEWORKS = {
  orrery: ["orrery", "one"],
  "orrery, traced": ["orrery", "traced"],
  "XState by hand": ["xstate", "one"],
  ai: ["ai", "one"],
  langgraph: ["langgraph", "one"],
};

const children = {};
for (const [name, args] of Object.entries(FRAMEWORKS)) {
  const child = fork(join(import.meta.dirname, "overhead/measure-one.mjs"), args, { execArgv: ["--expose-gc"] });
  await once(child, "message");
  children[name] = child;
}
const ask = async (name, what) => {
  const answer = once(children[name], "message");
  children[name].send(what);
  return (await answer)[0];
};
const times = Object.fromEntries(Object.keys(FRAMEWORKS).map((name) => [name, []]));
for (const name of Object.keys(FRAMEWORKS)) await ask(name, 2 * runs); // warm
for (let round = 0; round < rounds; round++) for (const name of Object.keys(FRAMEWORKS)) times[name].push(await ask(name, runs));
const memory = await ask("orrery", "bytes");
for (const name of Object.keys(FRAMEWORKS)) children[name].send("end");

if (flags.json) console.log(JSON.stringify({ times, memory }));
else {
  console.log(`CPU µs a run of two steps, median (lowest … highest) of ${rounds} rounds of ${runs}; ratio to Orrery in the same round`);
  for (const [name, list] of Object.entries(times))
    console.log(
      `  ${name.padEnd(16)} ${spread(list).padEnd(26)} ${spread(
        list.map((t, i) => t / times.orrery[i]),
        2,
      )}`,
    );
  console.log(`10,000 idle agents: ${memory.idle.toFixed(0)} bytes each`);
  console.log(`1,000 runs at once: ${memory.running.toFixed(0)} bytes each`);
}

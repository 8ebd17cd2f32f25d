/** A child that measures one framework when it is asked to: in a process of its own, so that none pays for another's hooks. */
const [file, name] = process.argv.slice(2);
const framework = await import(`./${file}.mjs`);
const one = framework[name];

async function cpuMicroseconds(runs) {
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) await one();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}

process.on("message", async (asked) => {
  if (asked === "bytes") process.send(await framework.bytes());
  else if (asked === "end") process.disconnect();
  else process.send(await cpuMicroseconds(asked));
});
const answer = await one();
if (answer !== "3") throw new Error(`${file} answers ${JSON.stringify(answer)}`);
process.send("ready");

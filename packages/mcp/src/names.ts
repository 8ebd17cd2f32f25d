/** Names of a server's tools. In: any text. Out: names that a call can spell, each once. */
import { TOOL_NAME } from "@orrery/chat";

const LENGTH = 64;

/** Gives names, none twice. */
export function naming(prefix?: string): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const whole = prefix === undefined ? name : `${prefix}_${name}`;
    const base = TOOL_NAME.test(whole) ? whole : whole.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, LENGTH) || "tool";
    let unique = base;
    for (let n = 2; taken.has(unique); n++) unique = `${base.slice(0, LENGTH - `-${n}`.length)}-${n}`;
    taken.add(unique);
    return unique;
  };
}

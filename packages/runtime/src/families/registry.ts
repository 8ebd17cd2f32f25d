/** Every family there is, by name. A new family is a file and a line here. */
import { GraphError } from "../errors.ts";
import type { Family } from "./family.ts";
import { gemma3 } from "./gemma3.ts";
import { gemma4 } from "./gemma4.ts";
import { graniteMoe } from "./granite-moe.ts";

const FAMILIES: ReadonlyMap<string, Family> = new Map([gemma3, gemma4, graniteMoe].map((family) => [family.name, family]));

/** @throws GraphError `graph/unknown-family`, which lists those there are. */
export function familyOf(name: string): Family {
  const family = FAMILIES.get(name);
  if (family === undefined)
    throw new GraphError("graph/unknown-family", `there is no family ${name}; there are: ${[...FAMILIES.keys()].join(", ")}`, {
      hint: "use a listed family",
    });
  return family;
}

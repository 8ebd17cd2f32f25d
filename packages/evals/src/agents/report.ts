/** Results of agents as a table. In: results by module, with and without the mask. Out: lines. */
import type { Share } from "../wilson.ts";
import { summary, type AgentsResult } from "./compare.ts";

export interface Compared {
  readonly name: string;
  readonly masked: AgentsResult;
  /** Null where it was not measured. */
  readonly unmasked: AgentsResult | null;
}

export function report(compared: readonly Compared[]): string {
  const whole: Compared = {
    name: "all",
    masked: summary(compared.flatMap(({ masked }) => masked.attempts)),
    unmasked: compared.every(({ unmasked }) => unmasked) ? summary(compared.flatMap(({ unmasked }) => unmasked!.attempts)) : null,
  };
  const rows = [...compared, ...(compared.length > 1 ? [whole] : [])].flatMap(({ name, masked, unmasked }) => [
    row(name, "mask", masked),
    ...(unmasked ? [row("", "no mask", unmasked)] : []),
  ]);
  const head = [
    "",
    "",
    "tasks".padStart(5),
    "done, per cent [95 % interval]".padEnd(31),
    "decisions".padStart(9),
    "illegal".padStart(8),
    "masked, %".padStart(9),
  ];
  return [line(head), ...rows].join("\n");
}

function row(name: string, form: string, { success, meanSteps, illegal, maskedMass, attempts }: AgentsResult): string {
  return line([
    name,
    form,
    String(attempts.length).padStart(5),
    interval(success).padEnd(31),
    meanSteps.toFixed(1).padStart(9),
    String(illegal).padStart(8),
    (100 * maskedMass).toFixed(1).padStart(9),
  ]);
}

function line([name = "", form = "", ...cells]: readonly string[]): string {
  return [name.padEnd(22), form.padEnd(8), ...cells].join(" ").trimEnd();
}

function interval({ share, low, high }: Share): string {
  const percent = (x: number): string => (100 * x).toFixed(0);
  return `${percent(share).padStart(3)} [${percent(low)}, ${percent(high)}]`;
}

/** Results of groups → counts. Law: every case counts once: right, refused though valid, accepted though invalid, unsupported or crashed. */
import type { SchemaGroup } from "./read.ts";
import type { GroupResult } from "./run.ts";

export interface Counts {
  groups: number;
  /** Groups whose schema was compiled. */
  compiled: number;
  /** Compiled groups without a wrong case. */
  clean: number;
  cases: number;
  /** Cases judged right. */
  cleanCases: number;
  refusedValid: number;
  acceptedInvalid: number;
  /** Cases of groups that were refused with a typed error. */
  unsupported: number;
  /** Cases in which something else was thrown. */
  crashed: number;
}

export class Tally {
  readonly total: Counts = none();
  readonly rows = new Map<string, Counts>();
  /** Groups by why they were not compiled. */
  readonly reasons = new Map<string, number>();

  add(row: string, group: SchemaGroup, result: GroupResult): void {
    let counts = this.rows.get(row);
    if (!counts) this.rows.set(row, (counts = none()));
    for (const into of [counts, this.total]) count(into, group.tests.length, result);
    if (!result.compiled) this.reasons.set(result.reason, (this.reasons.get(result.reason) ?? 0) + 1);
  }
}

function none(): Counts {
  return {
    groups: 0,
    compiled: 0,
    clean: 0,
    cases: 0,
    cleanCases: 0,
    refusedValid: 0,
    acceptedInvalid: 0,
    unsupported: 0,
    crashed: 0,
  };
}

function count(into: Counts, cases: number, result: GroupResult): void {
  into.groups += 1;
  into.cases += cases;
  if (!result.compiled) {
    into[result.crashed ? "crashed" : "unsupported"] += cases;
    return;
  }
  into.compiled += 1;
  if (result.failures.length === 0) into.clean += 1;
  into.cleanCases += cases - result.failures.length;
  for (const { kind } of result.failures) {
    if (kind === "refused-valid") into.refusedValid += 1;
    else if (kind === "accepted-invalid") into.acceptedInvalid += 1;
    else into.crashed += 1;
  }
}

/** `@orrery/agent/check`: what a chart can do, whatever the model, the tools and the persons do, and whether it is what it should be. */
export { defaultAbstraction, type Abstraction } from "./abstraction.ts";
export { check, exploreAll, type CheckOptions, type Report } from "./check.ts";
export type { Choice, World } from "./choices.ts";
export type { Coarse, Edge, Graph, GraphNode } from "./explore.ts";
export type { Finding, FindingKind } from "./findings.ts";
export type { Place } from "./game.ts";
export {
  approved,
  asked,
  cancelled,
  denied,
  ended,
  entered,
  moved,
  received,
  started,
  type Happening,
  type HappeningKind,
  type Pattern,
  type Which,
} from "./happening.ts";
export {
  always,
  cancellable,
  ends,
  isProperty,
  never,
  neverIn,
  precedes,
  type CheckedState,
  type Predicate,
  type Property,
} from "./property.ts";
export { samplesOf, type Samples } from "./samples.ts";
export { isCheckable, type Checkable } from "./subject.ts";
export { reportLines, reportObject, reportText, wayText, type LineKind, type ReportLine, type ReportObject } from "./text.ts";
export type { Verdict, Way } from "./verify.ts";

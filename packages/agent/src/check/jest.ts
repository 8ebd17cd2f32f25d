/**
 * `@orrery/agent/jest`: `expect(chart).toSatisfy(property)`. Importing it gives the matcher to the `expect` that is global; where there is
 * none, pass {@link toSatisfy} to `expect.extend`. In: a chart and properties. Out: pass, or a counterexample that reads well.
 */
import { check, type CheckOptions } from "./check.ts";
import type { Property } from "./property.ts";
import type { Checkable } from "./subject.ts";
import { verdictLines } from "./text.ts";

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * Passes where every property holds, by exploration of all that the chart can do. What is neither proven nor refuted (the exploration
 * stopped at a limit) passes neither with `not` nor without.
 */
export function toSatisfy(
  this: { readonly isNot?: boolean } | void,
  received: unknown,
  properties: Property | readonly Property[],
  options: Omit<CheckOptions, "properties"> = {},
): MatcherResult {
  const asked = [properties].flat();
  const report = check(received as Checkable, { ...options, properties: asked });
  const lines = report.properties.flatMap(verdictLines).map(({ text }) => text);
  const isNot = this ? this.isNot === true : false;
  const holds = report.properties.every(({ verdict }) => verdict === "holds");
  const fails = report.properties.some(({ verdict }) => verdict === "fails");
  return {
    pass: isNot ? !fails : holds,
    message: () => [`expected the chart ${isNot ? "not " : ""}to satisfy:`, ...lines].join("\n"),
  };
}

(globalThis as { expect?: { extend?: (matchers: object) => void } }).expect?.extend?.({ toSatisfy });

declare global {
  namespace jest {
    // The parameters are those of @types/jest, to whose interface this adds.
    interface Matchers<R, T = {}> {
      /** Does the chart, machine or agent have this property, whatever the model, the tools and the persons do? */
      toSatisfy(properties: Property | readonly Property[], options?: Omit<CheckOptions, "properties">): R;
    }
  }
}

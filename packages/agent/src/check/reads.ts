/**
 * What the functions of a chart's author look at. In: a context. Out: a view of it that notes what is read. Law: what was never read cannot
 * matter, so it may be dropped; what was read is kept as exactly as it was looked at.
 */
import type { Step } from "../machines/chart-state.ts";

/** Of the steps: which there are, the last, their order and number; of each its input, its error. Else a name in the context. */
export type Read = "steps:set" | "steps:last" | "steps:list" | "steps:input" | "steps:error" | (string & {});

export class Reads {
  readonly #read = new Set<Read>();
  readonly #views = new WeakSet<object>();

  /** Grows only: when it has grown, what was compared before was compared without what was read since. */
  get size(): number {
    return this.#read.size;
  }

  has(name: Read): boolean {
    return this.#read.has(name);
  }

  /** The names in the context that were read as a whole. */
  get names(): readonly string[] {
    return [...this.#read].filter((name) => !name.startsWith("steps:"));
  }

  note(...names: readonly Read[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** @param kept names that are kept in any case */
  view<C>(context: C, kept: ReadonlySet<string>): C {
    if (typeof context !== "object" || context === null || this.#views.has(context)) return context;
    const view = new Proxy(context, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (key === "steps" && Array.isArray(value)) return this.#steps(value);
        if (typeof key === "string" && !kept.has(key)) this.note(key);
        return value;
      },
    });
    this.#views.add(view);
    return view;
  }

  #steps(steps: readonly Step[]): readonly Step[] {
    const views = steps.map((step) => this.#step(step));
    const asSet = {
      some: (test: (step: Step) => unknown) => views.some((step) => test(step)),
      every: (test: (step: Step) => unknown) => views.every((step) => test(step)),
    };
    return new Proxy(views, {
      get: (target, key) => {
        if (key === "some" || key === "every") {
          this.note("steps:set");
          return asSet[key];
        }
        if (key === "at") {
          return (index: number) => {
            this.note(index === -1 ? "steps:last" : "steps:list");
            return target.at(index);
          };
        }
        this.note("steps:list");
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #step(step: Step): Step {
    return new Proxy(step, {
      get: (target, key) => {
        if (key === "input" || key === "error") this.note(`steps:${key}`);
        return Reflect.get(target, key);
      },
      ownKeys: (target) => {
        this.note("steps:input", "steps:error");
        return Reflect.ownKeys(target);
      },
    });
  }
}

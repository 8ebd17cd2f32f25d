/**
 * The dynamic scope of a schema: where each dynamic anchor leads, because the resource that was entered first decides.
 * Law: scopes that lead every anchor to the same places are one object, so that there are finitely many, however long the way.
 */
import type { Where } from "../where.ts";
import { MAX_SCOPE_ANCHORS, schemaError } from "./limits.ts";
import type { Place, Resource } from "./resource.ts";

/** What the scopes of one schema have in common. */
interface Shared {
  readonly known: Map<string, Scope>;
  /** Anchors in all of them. */
  size: number;
}

export class Scope {
  readonly #anchors: ReadonlyMap<string, Place>;
  readonly #shared: Shared;
  readonly #next = new Map<Resource, Scope>();

  private constructor(anchors: ReadonlyMap<string, Place>, shared: Shared) {
    this.#anchors = anchors;
    this.#shared = shared;
  }

  /** Before any resource is entered. */
  static outside(): Scope {
    return new Scope(new Map(), { known: new Map(), size: 0 });
  }

  /** The place that an anchor leads to; undefined when no resource on the way has it. */
  place(anchor: string): Place | undefined {
    return this.#anchors.get(anchor);
  }

  /** The scope inside a resource. @throws ConstraintError `constraint/too-large` at `where` */
  enter(resource: Resource, where: Where): Scope {
    let next = this.#next.get(resource);
    if (!next) this.#next.set(resource, (next = this.#entered(resource, where)));
    return next;
  }

  #entered(resource: Resource, where: Where): Scope {
    const added = [...resource.dynamicAnchors].filter(([anchor]) => !this.#anchors.has(anchor));
    if (added.length === 0) return this;
    const anchors = new Map([...this.#anchors, ...added].toSorted(([one], [other]) => (one < other ? -1 : 1)));
    const key = JSON.stringify([...anchors].map(([anchor, place]) => [anchor, place.resource.document.where.pointer, place.pointer]));
    const known = this.#shared.known.get(key);
    if (known) return known;
    this.#shared.size += anchors.size;
    if (this.#shared.size > MAX_SCOPE_ANCHORS)
      throw schemaError("constraint/too-large", where, `more than ${MAX_SCOPE_ANCHORS} anchors in dynamic scopes`, "use `$ref`");
    const scope = new Scope(anchors, this.#shared);
    this.#shared.known.set(key, scope);
    return scope;
  }
}

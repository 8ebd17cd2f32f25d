/** What places of a schema may cost, counted. */
import type { Where } from "../where.ts";
import { MAX_DEPTH, MAX_NODES, MAX_POINTER_SIZE, MAX_URI_SIZE, schemaError } from "./limits.ts";
import { resolveUri } from "./uri.ts";

/** Counts places. */
export class Size {
  #count = 0;
  #pointers = 0;

  /** @throws ConstraintError `constraint/too-deep`, `constraint/too-large` */
  add(pointer: string, depth: number, where: Where): void {
    this.#count += 1;
    this.#pointers += pointer.length;
    if (depth > MAX_DEPTH) throw schemaError("constraint/too-deep", where, `nested more than ${MAX_DEPTH} levels`, "flatten the schema");
    if (this.#count > MAX_NODES) throw schemaError("constraint/too-large", where, `more than ${MAX_NODES} schemas`, "split the schema");
    if (this.#pointers > MAX_POINTER_SIZE)
      throw schemaError(
        "constraint/too-large",
        shortened(where),
        `pointers of more than ${MAX_POINTER_SIZE} characters`,
        "shorten the names",
      );
  }
}

/** A URI reference against its base. @throws ConstraintError `constraint/too-large` */
export function resolve(base: string, reference: string, where: Where): string {
  const uri = reference.length > MAX_URI_SIZE ? reference : resolveUri(base, reference);
  if (uri.length <= MAX_URI_SIZE) return uri;
  throw schemaError("constraint/too-large", where, `a URI of more than ${MAX_URI_SIZE} characters`, "shorten it");
}

/** The error is for people, and a pointer of megabytes is not. */
function shortened({ subject, pointer }: Where): Where {
  return { subject, pointer: pointer.length > MAX_URI_SIZE ? `${pointer.slice(0, MAX_URI_SIZE)}…` : pointer };
}

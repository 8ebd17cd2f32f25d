/** A schema as plain data → its root node. The door of this folder. */
import { OrreryError } from "@orrery/chat";
import { Library } from "./library.ts";
import type { SchemaNode, SchemaOptions } from "./node.ts";
import { badSchema } from "./limits.ts";
import { NodeReader } from "./read.ts";

/**
 * Reads a schema and everything that it refers to, so that nothing can fail later.
 * @throws ConstraintError `constraint/bad-schema` (a keyword of the wrong type, a reference to nowhere), `constraint/unsupported`
 * (an unknown document, metaschema or vocabulary), `constraint/too-deep`, `constraint/too-large`
 */
export function openSchema(schema: unknown, options: SchemaOptions): SchemaNode {
  try {
    return new NodeReader(new Library(schema, options)).read();
  } catch (thrown) {
    // What is no plain data may throw whatever it likes when it is read. A RangeError is a stack that overflowed.
    if (thrown instanceof OrreryError || thrown instanceof RangeError) throw thrown;
    const where = { subject: options.subject, pointer: "" };
    throw badSchema(where, `cannot be read as data: ${String(thrown)}`, "hand over plain data, as JSON.parse gives it");
  }
}

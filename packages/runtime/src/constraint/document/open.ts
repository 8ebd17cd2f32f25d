/** A schema as plain data → its root node. The door of this folder. */
import { Library } from "./library.ts";
import type { SchemaNode, SchemaOptions } from "./node.ts";
import { NodeReader } from "./read.ts";

/**
 * Reads a schema and everything that it refers to, so that nothing can fail later.
 * @throws ConstraintError `constraint/bad-schema` (a keyword of the wrong type, a reference to nowhere), `constraint/unsupported`
 * (an unknown document, metaschema or vocabulary), `constraint/too-deep`, `constraint/too-large`
 */
export function openSchema(schema: unknown, options: SchemaOptions): SchemaNode {
  return new NodeReader(new Library(schema, options)).read();
}

/** The official metaschemas by URI, since a schema may refer to them. */
import type { JsonObject } from "@orrery/chat";
import { METASCHEMAS_2020_12 } from "./metaschemas-2020-12.ts";
import { OLDER_METASCHEMAS } from "./metaschemas-older.ts";
import { splitFragment } from "./uri.ts";

export const METASCHEMAS: ReadonlyMap<string, JsonObject> = new Map(
  [...METASCHEMAS_2020_12, ...OLDER_METASCHEMAS].map((schema) => [splitFragment(String(schema["$id"] ?? schema["id"])).uri, schema]),
);

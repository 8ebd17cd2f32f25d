/** All tools that come with the command line, in a fixed order. */
import type { BuiltinTool } from "./builtin-tool.ts";
import { dateTools } from "./date-tools.ts";
import { fileTools } from "./file-tools.ts";
import { numberTools } from "./number-tools.ts";
import type { Workspace } from "@orrery/files";

/** File tools work below `workspace`; `now` is the clock. */
export function builtinTools(workspace: Workspace, now: () => Date): readonly BuiltinTool[] {
  return [...numberTools, ...dateTools(now), ...fileTools(workspace)];
}

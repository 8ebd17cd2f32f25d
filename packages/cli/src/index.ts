/** `@orrery/cli`: the command line as a function, and the tools that come with it. */
export { cli } from "./cli.ts";
export { EXIT, type ExitCode } from "./exit-codes.ts";
export type { Engine, Host, InputStream, OpenModel, OutputStream } from "./host.ts";
export { Interrupts } from "./interrupts.ts";
export { chooseTools } from "./toolbox.ts";
export { builtinTools } from "./tools/builtin.ts";
export type { BuiltinTool } from "./tools/builtin-tool.ts";
export { openWorkspace, type Workspace } from "@orrery/files";

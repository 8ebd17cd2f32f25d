/** `@orrery/mcp`: tools of Model Context Protocol servers. */
export { connectMcp, type McpConnection, type McpOptions, type SkippedTool } from "./connect.ts";
export { McpError } from "./errors.ts";
export { effectsOf, type ToolHints, type ToolOptions } from "./server-tool.ts";
export type { HttpServer, StdioServer } from "./transport.ts";

/** `@orrery/chat`: the words that a model runtime and an agent share. */
export { ChatError, OrreryError, toOrreryError, type ErrorDetails } from "./errors.ts";
export { isJsonObject, type Json, type JsonObject, type JsonSchema } from "./json.ts";
export {
  jsonObjectSchema,
  messageSchema,
  toolCallSchema,
  type AssistantMessage,
  type Message,
  type SystemMessage,
  type ToolCall,
  type ToolMessage,
  type UserMessage,
} from "./message.ts";
export {
  addUsage,
  collectReply,
  NO_STATS,
  NO_USAGE,
  type ChatEvent,
  type ChatModel,
  type ChatRequest,
  type Finish,
  type FinishReason,
  type Reply,
  type ReplyStats,
  type Sampling,
  type Usage,
} from "./model.ts";
export { allMoves, resolveMoves, type CallMove, type Moves } from "./moves.ts";
export { TOOL_NAME, type ToolSpec } from "./tool.ts";

/** `@orrery/agent`: agents as statecharts whose legal moves are the grammar of the model. */
export { createAgent, type Agent, type AgentOptions, type Approval, type Limits } from "./agent.ts";
export { toMermaid } from "./draw.ts";
export { AgentError, type ErrorFacts } from "./errors.ts";
export { toolCallMachine } from "./machines/tool-call.machine.ts";
export { turnMachine, type TurnEvent, type TurnOptions } from "./machines/turn.machine.ts";
export type { Step, TurnContext, TurnInput } from "./machines/turn-state.ts";
export { moves, type AnswerEvent, type AnswerMoveMeta, type CallEvent, type CallMoveMeta, type MoveEvent, type MoveMeta } from "./moves.ts";
export { play, type Played, type PlayRequest, type ReplyEvent } from "./player.ts";
export type { RunEvent, RunOptions, RunResult } from "./result.ts";
export { resume, run, stream } from "./run.ts";
export type { SavedRun, Timings } from "./saved-run.ts";
export { tool, type JsonToolDefinition, type MoveContext, type Tool, type ToolRun, type ZodToolDefinition } from "./tool.ts";

/** `@orrery/agent`: agents as statecharts whose legal moves are the grammar of the model. */
export { decider, type DecideOptions } from "./actors/decide.ts";
export { createAgent, type Agent, type AgentOptions } from "./agent.ts";
export { agentChart, type AgentChart, type ChartOptions, type Limits } from "./chart.ts";
export { planChart, type PlanOptions } from "./charts/plan.ts";
export { agentTool, teamChart, type AgentToolOptions, type Member, type TeamOptions } from "./charts/team.ts";
export {
  conversation,
  type CompactionOptions,
  type Conversation,
  type ConversationOptions,
  type SavedConversation,
  type SayOptions,
} from "./conversation.ts";
export { toMermaid, type MermaidOptions } from "./draw/mermaid.ts";
export { runPath, type RunPath } from "./draw/run-path.ts";
export { toSvg, type SvgOptions } from "./draw/svg.ts";
export { Drive, realClock, type ActorArgs, type ActorFunction, type ActorNews, type Clock, type DriveOptions } from "./driver.ts";
export { AgentError, type ErrorFacts } from "./errors.ts";
export type { Learn, RunContext, RunInput, Step } from "./machines/chart-state.ts";
export type { ChartEmitted, ChartEvent, ChartMachine } from "./machines/core.ts";
export { act, phase, type ActOptions, type Exit, type Phase, type PhaseOptions, type StateConfig } from "./machines/phase.ts";
export { conversationMachine, type ConversationEmitted } from "./machines/conversation.machine.ts";
export { toolCallMachine } from "./machines/tool-call.machine.ts";
export { moves, type AnswerEvent, type AnswerMoveMeta, type CallEvent, type CallMoveMeta, type MoveEvent, type MoveMeta } from "./moves.ts";
export { play, type DecideEmitted, type Played, type PlayRequest, type ReplyEvent } from "./player.ts";
export type { Approval, Policy, Rule } from "./policy.ts";
export type { RunEvent, RunOptions, RunResult } from "./result.ts";
export { resume, run, start, stream } from "./run.ts";
export type { PersonsMove, Run } from "./runner.ts";
export type { SavedRun, Timings } from "./saved-run.ts";
export { stepper, type Effect, type Microstep, type OnMicrostep, type SavedSnapshot, type Stepper } from "./step.ts";
export {
  tool,
  type Effects,
  type JsonToolDefinition,
  type MoveContext,
  type Retry,
  type Tool,
  type ToolRun,
  type Verdict,
  type ZodToolDefinition,
} from "./tool.ts";
export { jsonLines, type SpanWriter } from "./trace/json-lines.ts";
export { otlp, type OtlpOptions } from "./trace/otlp.ts";
export type { Attributes, Span, SpanContext, SpanEvent, SpanObserver, TraceOptions } from "./trace/span.ts";

/**
 * `@orrery/agent/testing`: play a chart without a model, run an agent without its effects and without waiting, record a real run and
 * play it again, and ask of any agent what every agent promises.
 */
export { scriptedModel, type ScriptedModel, type ScriptedReply } from "@orrery/chat/testing";
export {
  agentContract,
  type ContractCase,
  type ContractCounts,
  type ContractOptions,
  type ContractSettings,
  type MakeAgent,
} from "./testing/contract.ts";
export { randomModel, type RandomModelOptions } from "./testing/random-model.ts";
export { record, type Recording } from "./testing/record.ts";
export { replay, type Replay } from "./testing/replay.ts";
export { scriptedTools, type RecordedCall, type ScriptedCall, type ScriptedTools } from "./testing/scripted-tools.ts";
export { simulatedClock, SimulatedClock } from "./testing/simulated-clock.ts";
export { allStates, statesReached } from "./testing/states.ts";

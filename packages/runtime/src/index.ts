/** `@orrery/runtime`: checkpoint to text in one process. `@orrery/runtime/graph` has the graph builder alone. */
export {
  CacheMemoryError,
  CheckpointError,
  ConstraintError,
  ContextLengthError,
  ExportError,
  GraphError,
  HubError,
  PrecisionError,
  PromptError,
  SessionError,
  ShortageError,
  TokenizerError,
} from "./errors.ts";
export { OrreryError } from "@orrery/chat";
export { loadModel, type GenerateTextOptions, type LoadedModel, type LoadOptions, type Speaker } from "./model.ts";
export { embeddedModelDirectory } from "./embedded.ts";
export { cacheDirectory } from "./cache-directory.ts";
export { exportModel, type ExportOptions } from "./export/export.ts";
export type { ExportProgress } from "./export/progress.ts";
export type { HubLoadOptions, LoadProgress } from "./hub-model.ts";
export { describeHubModel, fetchCheckpoint, type HubModel } from "./hub/fetch.ts";
export { isHubName } from "./hub/name.ts";
export type { HubOptions } from "./hub/settings.ts";
export type { FetchProgress } from "./hub/progress.ts";
export { DEFAULT_POLICY } from "./precision/default.ts";
export { fixedPolicy, parsePolicy, type PrecisionPolicy, type PrecisionRule } from "./precision/policy.ts";
export type { ConstraintFeatures } from "./constraint/features.ts";
export { POSITIONS, type Position } from "./constraint/position.ts";
export type { Trace, TracedStep } from "./trace.ts";
export type { Calibration } from "./export/expert-use.ts";
export { readCalibration } from "./calibration.ts";
export { openExport, type OpenedExport } from "./open-export.ts";
export type { OpenedModel } from "./open-model.ts";
export type { OnnxRepository, OnnxRepositoryConfig } from "./open-onnx-repository.ts";
export { describeOnnxRepository, type OnnxRepositoryDescription } from "./describe-onnx-repository.ts";
export { describeExport } from "./export/describe.ts";
export { openCheckpoint } from "./checkpoint/checkpoint.ts";
export { readFloatArrays } from "./checkpoint/float-arrays.ts";
export { describeCheckpoint } from "./export/describe-checkpoint.ts";
export { openSession } from "./session/open.ts";
export type { AppendOptions, LogitRows, Prepacked, PrepackedMode, Sequence, Session, SessionOptions, Step } from "./session/session.ts";
export type { Fingerprint } from "./session/fingerprint.ts";
export { createTokenizer } from "./tokenizer/tokenizer.ts";
export type { Tokenizer, Vocabulary } from "./tokenizer/vocabulary.ts";
export type { ReplyPart, StopReason } from "./prompt/reply.ts";
export { TEXT_FORMATS, type TextFormat } from "./prompt/text/format.ts";
export { createTextReplyParser, parseReply, type TextReplyOptions, type TextReplyParser } from "./prompt/text/text-reply.ts";
export type { CacheFormat, Manifest, Precision } from "./manifest.ts";
export type { ModelConfig } from "./checkpoint/model-config.ts";

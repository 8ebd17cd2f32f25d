/**
 * A tool that cannot do what it was asked. Its message is read by the model, so it is short and plain ("file not found");
 * programs branch on the code, `tool/what-is-wrong`.
 */
import { OrreryError } from "@orrery/chat";

export class ToolError extends OrreryError {}

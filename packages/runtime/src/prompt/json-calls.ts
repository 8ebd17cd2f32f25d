/** Calls as JSON, written as a format says. In: calls and the format's way. Out: segments. */
import type { Json, ToolCall } from "@orrery/chat";
import { checkToolName } from "./declaration.ts";
import type { JsonCalls } from "./format.ts";
import { jsonText } from "./python-json.ts";
import type { Segment, SegmentWriter } from "./segments.ts";

/** @throws PromptError `prompt/bad-tool-name`, `prompt/too-deep`, `prompt/not-json` */
export function writeJsonCalls(out: SegmentWriter, calls: readonly ToolCall[], way: JsonCalls): void {
  calls.forEach((call, at) => {
    checkToolName(call.name, "a call names the tool");
    write(out, at > 0 ? (way.between ?? []) : way.before);
    out.text(call.name);
    write(out, way.beforeInput);
    out.text(jsonText(call.input));
  });
  write(out, way.after);
}

/** A tool's result as text: a string as it is, anything else as JSON. @throws PromptError `prompt/too-deep`, `prompt/not-json` */
export function resultText(output: Json): string {
  return typeof output === "string" ? output : jsonText(output);
}

function write(out: SegmentWriter, segments: readonly Segment[]): void {
  for (const segment of segments) {
    if ("text" in segment) out.text(segment.text);
    else out.control(segment.control);
  }
}

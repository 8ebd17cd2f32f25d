/**
 * What a server's tool gave, as JSON for a model that reads text. In: a result of the protocol. Out: its structured content, or its text;
 * of pictures and sounds only that they are there. Law: never more than the limit, and what was cut says so.
 */
import type { CallToolResult } from "@modelcontextprotocol/client";
import type { Json } from "@orrery/chat";
import { McpError, short } from "./errors.ts";

type Block = CallToolResult["content"][number];

/** @throws McpError `mcp/tool-failed` when the tool says that it failed, `mcp/bad-result` for structured content above the limit */
export function outputOf(name: string, { content, structuredContent, isError }: CallToolResult, maxCharacters: number): Json {
  if (isError) throw new McpError("mcp/tool-failed", short(textOf(content, maxCharacters) || `'${name}' failed without saying why`));
  if (structuredContent !== undefined) {
    const length = lengthOf(structuredContent);
    if (length > maxCharacters)
      throw new McpError("mcp/bad-result", `the result of '${name}' has ${length} characters, at most ${maxCharacters} are taken`, {
        hint: "ask the tool for less, or raise `maxResultCharacters`",
      });
    return structuredContent as Json;
  }
  return textOf(content, maxCharacters);
}

/** Of what is nested so deep that it cannot be written, as if it were endless. */
function lengthOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return Infinity;
  }
}

function textOf(content: readonly Block[], maxCharacters: number): string {
  const text = content.map(described).join("\n");
  if (text.length <= maxCharacters) return text;
  return `${text.slice(0, maxCharacters)}… (cut: ${text.length} characters in all)`;
}

/** A link and a picture are told of in square brackets; what lies in a resource as text is text. */
function described(block: Block): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[${block.type}, ${block.mimeType}, ${bytesOf(block.data)} bytes]`;
    case "resource_link":
      return `[link to ${block.uri}: ${[block.name, block.description].filter(Boolean).join(", ")}]`;
    case "resource":
      return "text" in block.resource
        ? block.resource.text
        : `[${block.resource.uri}, ${block.resource.mimeType ?? "binary"}, ${bytesOf(block.resource.blob)} bytes]`;
  }
}

function bytesOf(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}

/**
 * Conversations by a checkpoint's own template. In: the template, and the vocabulary's control tokens. Out: a prompt format. Law: only
 * the template's own words can become control tokens; nothing that a user, a system text or a result says is lost or moved among users'.
 *
 * How the template ends a turn and writes calls is found by trial: it is shown small conversations whose texts are known.
 */
import { createHash } from "node:crypto";
import type { AssistantMessage, Message, ToolSpec } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import { checkConversation } from "./conversation.ts";
import { TURNS_ONLY, type ChatFormat } from "./format.ts";
import { PieceWriter, type Piece } from "./pieces.ts";
import { lastReplyKey, type PromptFormat, type PromptOptions } from "./prompt-format.ts";
import { lost, Quotations, usesMarkers } from "./quotation.ts";
import { findOwn, indexOfSigns, type Sign, signsOf } from "./signs.ts";
import { compileTemplate, type Template } from "./template.ts";
import { templateMessages, templateTools, type CallDialect } from "./template-input.ts";
import { tryCalls, tryTurn } from "./trial.ts";

export interface JinjaFacts {
  /** What the format is to be called. */
  readonly name: string;
  readonly source: string;
  readonly control: ReadonlyMap<string, number>;
  /** `bos_token` and `eos_token` of the template; "" where the checkpoint names none. */
  readonly bos: string;
  readonly eos: string;
  readonly dialect: CallDialect;
  /** The date that the template is told. */
  readonly today: Date;
}

/** Never throws: what is wrong with a template is said when a conversation is to be rendered, since such a model can still go on with a text. */
export function jinjaFormat(facts: JinjaFacts): PromptFormat {
  const version = `${facts.name} ${createHash("sha256").update(facts.source).digest("base64url").slice(0, 16)} 1`;
  try {
    return new JinjaFormat(facts, version);
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    const format: ChatFormat = { ...TURNS_ONLY, name: facts.name, calls: "none", begin: "", end: facts.eos, turnOpen: "", turnClose: "" };
    const refuse = (): never => {
      throw error;
    };
    return { format, version, render: refuse, replyKey: refuse };
  }
}

class JinjaFormat implements PromptFormat {
  readonly format: ChatFormat;
  readonly version: string;
  readonly #facts: JinjaFacts;
  readonly #template: Template;
  /** What the template writes to open a turn for the model. */
  readonly #opening: readonly Sign[];

  /** @throws PromptError `prompt/template-…` */
  constructor(facts: JinjaFacts, version: string) {
    if (usesMarkers(facts.source))
      throw new PromptError("prompt/template-failed", "the checkpoint's chat template uses private characters that stand for texts here", {
        hint: "continue a text with generate()",
      });
    this.version = version;
    this.#facts = facts;
    this.#template = compileTemplate(facts.source, facts.today);
    const signs = (messages: readonly Message[], tools: readonly ToolSpec[], open: boolean) =>
      this.#signs(messages, tools, { addGenerationPrompt: open });
    const { opening, turnClose } = tryTurn(signs, facts.eos);
    this.#opening = opening;
    const json = tryCalls(signs, opening, turnClose);
    const tokens = { ...TURNS_ONLY, name: facts.name, begin: "", end: facts.eos, turnOpen: "", turnClose };
    this.format = json === null ? { ...tokens, calls: "none" } : { ...tokens, calls: "json", json };
  }

  render(messages: readonly Message[], tools: readonly ToolSpec[] = [], options: PromptOptions = {}): Piece[] {
    checkConversation(messages);
    const signs = this.#signs(messages, tools, options);
    checkWhole(messages, signs);
    return this.#pieces(messages, signs);
  }

  replyKey(messages: readonly Message[], reply: AssistantMessage, tools: readonly ToolSpec[] = [], options: PromptOptions = {}) {
    const whole = this.render([...messages, reply], tools, { ...options, addGenerationPrompt: false });
    // A reply that has no piece of its own would give the key of the one before it.
    const before = this.render(messages, tools, { ...options, addGenerationPrompt: false });
    const key = lastReplyKey(whole);
    return key === lastReplyKey(before) ? undefined : key;
  }

  /** The rendering of a conversation, sign by sign. */
  #signs(
    messages: readonly Message[],
    tools: readonly ToolSpec[],
    { thinking = false, addGenerationPrompt = true }: PromptOptions,
  ): Sign[] {
    const { dialect, bos, eos, control } = this.#facts;
    const quotations = new Quotations((quote) => {
      templateMessages(messages, dialect, quote);
      templateTools(tools, quote);
    });
    const rendered = this.#template.render({
      messages: templateMessages(messages, dialect, quotations.quote),
      tools: tools.length > 0 ? templateTools(tools, quotations.quote) : undefined,
      bos_token: bos,
      eos_token: eos,
      add_generation_prompt: addGenerationPrompt,
      enable_thinking: thinking,
      thinking,
    });
    return signsOf(quotations.read(rendered), control);
  }

  /** Each reply, from behind the opening of its turn to the token that ends it, is a piece. */
  #pieces(messages: readonly Message[], signs: readonly Sign[]): Piece[] {
    const out = new PieceWriter();
    let written = 0;
    const writeUpTo = (end: number): void => {
      for (const sign of signs.slice(written, end)) {
        if (sign.kind === "control") out.control(sign.text);
        else out.text(sign.text);
      }
      written = end;
    };
    messages.forEach((message, at) => {
      if (message.role !== "assistant") return;
      const own = findOwn(signs, at);
      if (own === null) return;
      const opening = indexOfSigns(signs, this.#opening, { last: own.first });
      const start = opening + this.#opening.length;
      const end = signs.findIndex((sign, i) => i >= own.end && sign.kind === "control" && sign.text === this.format.turnClose) + 1;
      const alone = opening >= written && end > 0 && signs.slice(start, end).every((sign) => sign.kind !== "quoted" || sign.owner === at);
      if (!alone) return;
      writeUpTo(start);
      out.beginReply();
      writeUpTo(end);
      out.endReply();
    });
    writeUpTo(signs.length);
    return out.finish();
  }
}

/** @throws PromptError `prompt/template-lost-text` when the template left out or reordered what was said to the model, or what it called */
function checkWhole(messages: readonly Message[], signs: readonly Sign[]): void {
  const first = new Map<number, number>();
  signs.forEach((sign, at) => {
    if (sign.kind === "quoted" && !first.has(sign.owner)) first.set(sign.owner, at);
  });
  let latest = -1;
  messages.forEach((message, at) => {
    const found = first.get(at) ?? -1;
    const isSaid =
      message.role === "assistant" ? (message.calls?.length ?? 0) > 0 : message.role === "tool" || message.content.trim() !== "";
    if (isSaid && found < 0) throw lost(`it leaves out messages[${at}], of role ${message.role}`);
    if (message.role !== "user" || found < 0) return;
    if (found < latest) throw lost(`messages[${at}] comes before an earlier one`);
    latest = found;
  });
}

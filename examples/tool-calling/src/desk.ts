/**
 * The order desk: an agent with ten tools over the shop, and what a warehouse adds. In: a model, the shop, further tools. Out: an agent.
 * Its rules are guards of the chart and a policy, so the model cannot break them: what is not allowed is no legal move.
 */
import { agentChart, createAgent, phase, type Agent, type Policy, type Tool } from "@orrery/agent";
import type { ChatModel } from "@orrery/chat";
import { changes, learn, standings } from "./changes.ts";
import { lookups } from "./lookups.ts";
import type { Shop } from "./shop.ts";

/** Refunds up to this amount need no person. */
export const SMALL_REFUND = 25;

/**
 * Gift cards are never refunded. Small refunds are made at once, larger ones and all other changes wait for a person. Once words of
 * strangers were read, every refund waits, and orders stay as they are.
 */
export const HOUSE_RULES: Policy = {
  rules: [
    { tools: ["issue_refund"], input: { properties: { order: { pattern: "^GIFT-" } }, required: ["order"] }, verdict: "deny" },
    { tools: ["issue_refund"], input: { properties: { amount: { maximum: SMALL_REFUND } } }, verdict: "allow" },
  ],
  whenTainted: { ask: ["issue_refund"], deny: ["cancel_order", "change_address"] },
  otherwise: "writes",
};

/** Made for one turn: the chart knows how the orders stand now. */
export function createDesk(model: ChatModel, shop: Shop, warehouse: readonly Tool[] = []): Agent {
  const tools = [...lookups(shop), ...changes(shop), ...warehouse];
  const chart = agentChart({
    tools,
    states: { turn: phase({ tools: tools.map(({ name }) => name), answer: true }) },
    facts: { initial: standings(shop), learn },
    approval: HOUSE_RULES,
  });
  return createAgent({ model, chart, instructions: "You are a polite support agent." });
}

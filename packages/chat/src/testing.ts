/** `@orrery/chat/testing`: the scripted model. */
export { scriptedModel, type ScriptedModel, type ScriptedReply } from "./scripted-model.ts";

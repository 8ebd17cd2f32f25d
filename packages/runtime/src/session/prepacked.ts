/**
 * Loading with packed weights where that is wanted and works. In: an export, a mode, how to load. Out: what became of it. Law: the plain
 * load is tried whenever the other fails, so nothing about packed weights keeps a model from loading.
 */
import { totalmem } from "node:os";
import { OrreryError } from "@orrery/chat";
import { SessionError } from "../errors.ts";
import type { OpenedExport } from "../open-export.ts";
import { exportBytes, packedWeights } from "../prepack/cache.ts";
import type { PackedWeights } from "../prepack/packed-weights.ts";
import { savePacked } from "./save-packed.ts";
import { PREPACKED_MODES, type Prepacked, type PrepackedMode } from "./session.ts";

/** `auto` keeps the packed weights of exports from this part of the memory on (docs/decisions/2026-11-24-prepacked-cache.md). */
const AUTO_SHARE = 1 / 4;

/** @throws SessionError `session/bad-option` */
export function prepackedMode(value: string): PrepackedMode {
  const mode = PREPACKED_MODES.find((known) => known === value);
  if (mode === undefined)
    throw new SessionError("session/bad-option", `prepacked is ${JSON.stringify(value)}, expected one of ${PREPACKED_MODES.join(", ")}`, {
      hint: "leave it out to take the default",
    });
  return mode;
}

/** Whether an export is large for a process that may have so much memory. */
export function isLarge(bytes: number, memory: number): boolean {
  return bytes >= memory * AUTO_SHARE;
}

/** What the machine has, or what this process is allowed, such as in a container. */
function memoryBytes(): number {
  const allowed = process.constrainedMemory(); // 0 when it cannot be told
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** @throws whatever the plain `load` rejects with */
export async function loadPrepacked(
  opened: OpenedExport,
  mode: PrepackedMode,
  load: (packed: PackedWeights | null) => Promise<unknown>,
): Promise<Prepacked> {
  let reason: OrreryError | null = null;
  if (mode !== "off" && (mode !== "auto" || isLarge(exportBytes(opened.manifest), memoryBytes()))) {
    try {
      const packed = await packedWeights(opened, mode === "verify", savePacked);
      await load(packed);
      return { mapped: true, path: packed.path };
    } catch (thrown) {
      if (!(thrown instanceof OrreryError)) throw thrown;
      reason = thrown;
    }
  }
  await load(null);
  return { mapped: false, reason };
}

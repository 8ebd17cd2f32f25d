/** Fields of an untrusted config. In: a zod schema and a value. Out: the parsed fields, or an error that names file, field, found and expected. */
import { z } from "zod";
import { CheckpointError } from "../errors.ts";
import { isRecord, quoted } from "./json.ts";

const HINT = "the config does not describe a model that can be built; fetch it again or correct it";

/** A dimension. No upper bound of its own: products are checked against 2^53 (`checkpoint/too-large`). */
export const size = z.int().positive();
/** The deepest models released have 126 layers. */
export const layerCount = z.int().positive().max(1024);
/** The most experts of a released model are 512. */
export const expertCount = z.int().positive().max(4096);
export const positiveNumber = z.number().positive();
/** A number out of GGUF metadata, under the name it was written down with. */
export const float32 = positiveNumber.transform(decimalOfFloat32);

/** `under`: what the messages put before a field's name, e.g. `text_config.`. @throws CheckpointError `checkpoint/bad-config` */
export function parseFields<T>(schema: z.ZodType<T>, value: unknown, file: string, under = ""): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const found = at(value, issue.path);
  throw badConfig(file, `${under}${issue.path.join(".")} is ${found === undefined ? "missing" : quoted(found)}`, reason(issue.message));
}

export function badConfig(file: string, found: string, expected: string): CheckpointError {
  return new CheckpointError("checkpoint/bad-config", `${file}: ${found}, expected ${expected}`, { hint: HINT });
}

/** A field whose value asks for something that is not built: `checkpoint/unsupported`. */
export function unsupported(file: string, field: string, found: unknown, expected: string): CheckpointError {
  return new CheckpointError("checkpoint/unsupported", `${file}: ${field} is ${quoted(found)}, expected ${expected}`, {
    hint: "this kind of model cannot be run yet; choose another checkpoint",
  });
}

/**
 * The shortest decimal that rounds to a float32: 0.11 for the 0.10999999940395355 that GGUF's float32 metadata holds, so that a model has
 * one config whichever file it came from.
 */
export function decimalOfFloat32(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

/** zod's sentence without its first words: "Too small: expected number to be >0" → "number to be >0". */
function reason(message: string): string {
  return message.replace(/^.*?expected /, "").replace(/, received .*$/, "");
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isRecord(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }
  return value;
}

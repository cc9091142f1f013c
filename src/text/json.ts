/** Reads JSON that others wrote. */
import { plainLine } from "./plain.ts";

/** Says that a text is no JSON that can be read, as the end of a sentence. */
export class JsonError extends Error {
  override readonly name: string = "JsonError";
}

/** Models nested in models take five levels each; what walks through JSON by calling itself takes any number of these. */
const MOST_LEVELS = 300;

/**
 * Parses JSON, as `JSON.parse` does, of at most 300 levels and without the key "__proto__".
 *
 * More levels than the stack has would end whoever walks through them, and "__proto__" is the one key that objects do not
 * take for what it is when it is assigned.
 *
 * @throws {JsonError} If it is no JSON, or such JSON.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseJson } from "./json.ts";
 *
 * assert.deepEqual(parseJson('{"a": [1]}'), { a: [1] });
 * assert.throws(() => parseJson("[".repeat(1000) + "]".repeat(1000)), /more than 300 levels/);
 * ```
 */
export function parseJson(text: string): unknown {
  if (text.trim() === "") throw new JsonError("it is empty, JSON is needed");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const because = cause instanceof Error ? plainLine(cause.message, 200) : "";
    throw new JsonError(`it is not valid JSON (damaged or truncated): ${because}`, { cause });
  }
  const fault = faultIn(value, 0);
  if (fault !== undefined) throw new JsonError(fault);
  return value;
}

function faultIn(value: unknown, level: number): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (level === MOST_LEVELS) return `its JSON has more than ${MOST_LEVELS} levels, fewer are needed`;
  if (Object.hasOwn(value, "__proto__")) return 'its JSON has the key "__proto__", another name is needed';
  for (const item of Object.values(value)) {
    const fault = faultIn(item, level + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Checks JSON against a schema: a part of JSON Schema, large enough for what this project reads, with errors for people. */
import { suggestName } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";

/** A schema, as JSON Schema writes it. Keys that an object's schema does not name are refused. */
export type JsonSchema =
  & { readonly description?: string }
  & (
    | {
      readonly type: "object";
      readonly properties: Readonly<Record<string, JsonSchema>>;
      readonly required?: readonly string[];
      readonly additionalProperties: false;
    }
    | { readonly type: "array"; readonly items: JsonSchema }
    | { readonly type: "string"; readonly enum?: readonly string[]; readonly format?: "regex" }
    | {
      readonly type: "integer" | "number";
      readonly minimum?: number;
      readonly maximum?: number;
      readonly exclusiveMinimum?: number;
    }
    | { readonly type: "boolean" }
  );

/** Makes the schema of an object with these keys, some of which must be there. */
export function objectSchema(
  properties: Readonly<Record<string, JsonSchema>>,
  { required = [], description }: { readonly required?: readonly string[]; readonly description?: string } = {},
): JsonSchema {
  return {
    ...(description === undefined ? {} : { description }),
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/**
 * Says what is wrong with `value`, as the rest of a sentence that begins with the place: "$.rules[0].then.observer is …".
 *
 * @returns undefined if nothing is.
 */
export function faultOfJson(value: unknown, schema: JsonSchema, path = "$"): string | undefined {
  switch (schema.type) {
    case "object":
      return faultOfObject(value, schema, path);
    case "array":
      if (!Array.isArray(value)) return `${path} is ${showValue(value)}, a list is needed`;
      return firstFault(value.map((item, i) => () => faultOfJson(item, schema.items, `${path}[${i}]`)));
    case "string":
      return faultOfString(value, schema, path);
    case "boolean":
      return typeof value === "boolean" ? undefined : `${path} is ${showValue(value)}, true or false is needed`;
    default:
      return faultOfNumber(value, schema, path);
  }
}

function faultOfObject(
  value: unknown,
  { properties, required = [] }: Extract<JsonSchema, { type: "object" }>,
  path: string,
): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `${path} is ${showValue(value)}, an object is needed`;
  }
  const entries = Object.entries(value);
  const unknown = entries.find(([key]) => !Object.hasOwn(properties, key));
  if (unknown !== undefined) {
    const [key] = unknown;
    return `${path} has the unknown key ${showValue(key)}, ${suggestName(key, Object.keys(properties))}`;
  }
  const missing = required.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${path}.${missing} is missing`;
  return firstFault(entries.map(([key, item]) => () => faultOfJson(item, properties[key], `${path}.${key}`)));
}

function faultOfString(
  value: unknown,
  schema: Extract<JsonSchema, { type: "string" }>,
  path: string,
): string | undefined {
  if (typeof value !== "string") return `${path} is ${showValue(value)}, a text is needed`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return `${path} is ${showValue(value)}, ${suggestName(value, schema.enum)}`;
  }
  if (schema.format !== "regex") return undefined;
  const needed = neededOfRegex(value);
  return needed && `${path} is ${showValue(value)}, ${needed} is needed`;
}

/** A longer expression, and one that repeats without end more often, can take longer than anybody waits. */
const LONGEST_REGEX = 200;
const MOST_REPEATS = 3;

function neededOfRegex(value: string): string | undefined {
  try {
    new RegExp(value);
  } catch {
    return "a regular expression";
  }
  if (value.length > LONGEST_REGEX) return `a regular expression of at most ${LONGEST_REGEX} characters`;
  const bare = value.replace(/\\./g, "a").replace(/\[[^\]]*\]/g, "a");
  if (/\)[+*{]/.test(bare)) return "a regular expression that repeats no group";
  const repeats = bare.match(/[+*]|\{\d+,\d*\}/g) ?? [];
  return repeats.length > MOST_REPEATS ? `a regular expression that repeats at most ${MOST_REPEATS} parts` : undefined;
}

function faultOfNumber(
  value: unknown,
  schema: Extract<JsonSchema, { type: "integer" | "number" }>,
  path: string,
): string | undefined {
  const { type, minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const kind = type === "integer" ? "a whole number" : "a number";
  if (typeof value !== "number" || !Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) {
    return `${path} is ${showValue(value)}, ${kind} is needed`;
  }
  if (value >= minimum && value <= maximum && value > exclusiveMinimum) return undefined;
  const least = exclusiveMinimum > minimum ? `above ${exclusiveMinimum}` : `from ${minimum}`;
  return `${path} is ${value}, ${kind} ${least} to ${maximum} is needed`;
}

function firstFault(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const fault = check();
    if (fault !== undefined) return fault;
  }
  return undefined;
}

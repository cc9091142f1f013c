/** What arguments of layers may be: a saved configuration holds anything. */
import { showValue } from "../../text/plain.ts";
import { QuantizedLayerError } from "./quantized_layer.ts";

/** What a value is to be: a test of it, and the words for what passes. */
export interface Rule {
  readonly needed: string;
  readonly holds: (value: unknown) => boolean;
}

/** True or false. */
export const flag: Rule = { needed: "true or false", holds: (value) => typeof value === "boolean" };

const text: Rule = { needed: "a text", holds: (value) => typeof value === "string" };

/** A whole number of an axis; TF.js's tensors have six at the most. */
export const axis: Rule = {
  needed: "a whole number from -6 to 5",
  holds: (value) => typeof value === "number" && Number.isInteger(value) && value >= -6 && value < 6,
};

/** A finite number of a range, both ends included. */
export function within(least: number, most: number): Rule {
  return {
    needed: most === Infinity ? `a finite number of ${least} or more` : `a number from ${least} to ${most}`,
    holds: (value) => typeof value === "number" && value >= least && value <= most && Number.isFinite(value),
  };
}

const shape: Rule = {
  needed: "a list of whole numbers above 0, or null where any will do",
  holds: (value) =>
    Array.isArray(value) && value.every((dim) => dim === null || (Number.isInteger(dim) && dim > 0 && dim < 2 ** 31)),
};

/** Arguments of every layer. */
const COMMON: Readonly<Record<string, Rule>> = {
  name: text,
  trainable: flag,
  batchInputShape: shape,
  inputShape: shape,
  dtype: { needed: '"float32"', holds: (value) => value === "float32" },
};

/**
 * Checks arguments of a layer, those of every layer included; what is absent or null has a default.
 *
 * @param className How the layer is called where its name is none.
 * @throws {QuantizedLayerError} If one is not as its rule has it.
 */
export function checkArgs(
  args: object,
  { rules = {}, className }: { readonly rules?: Readonly<Record<string, Rule>>; readonly className: string },
): void {
  const given = new Map<string, unknown>(Object.entries(args));
  const name = given.get("name");
  for (const [key, { needed, holds }] of Object.entries({ ...COMMON, ...rules })) {
    const value = given.get(key);
    if (value === undefined || value === null || holds(value)) continue;
    const who = typeof name === "string" ? name : className;
    throw new QuantizedLayerError(who, `its ${key} is ${showValue(value)}, ${needed} is needed`);
  }
}

/** Layers of one operation of TF.js. */
import type { OperationName, Options } from "../../../src/operations/mod.ts";
import { type Call, refuse } from "./_call.ts";
import { constantAs } from "./_constants.ts";
import type { Value } from "./_value.ts";

/** Adds a layer of one operation. */
export function operation(
  { builder }: Call,
  name: OperationName,
  { inbound, options = {}, suffix = "" }: {
    readonly inbound: readonly string[];
    readonly options?: Options;
    readonly suffix?: string;
  },
): string {
  const config = { operation: name, options: structuredClone(options) as Record<string, number> };
  return builder.layer({ className: "Operation", config, inbound }, suffix);
}

/** An operation number by number, on values or on inputs by their places, constants among them. */
export function elementwise(
  call: Call,
  name: OperationName,
  inputs: readonly (Value | number)[],
  options: Options = {},
): Value {
  const shape = call.outputShape();
  const known = inputs.map((input) =>
    typeof input !== "number" ? input : call.isValue(input) ? call.value(input) : undefined
  );
  const values = known.filter((value) => value !== undefined);
  const [first] = values.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  const odd = values.find((value) => value.shape.length !== shape.length);
  if (odd !== undefined) refuse(`it joins [${odd.shape}] and others to [${shape}], values of one rank are needed`);
  const inbound = inputs.map((input, i) => {
    const value = known[i];
    if (value !== undefined) return call.builder.stored(value, first.order);
    const laid = constantAs(call, Number(input), first) ?? refuse(`its input ${input} is unknown`);
    return call.builder.constant(laid.shape, laid.data);
  });
  return call.gives(operation(call, name, { inbound, options }), first.order);
}

function sizeOf({ shape }: Value): number {
  return shape.reduce((product, side) => product * side, 1);
}

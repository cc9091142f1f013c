/** Numbers put in the place of others, at places that are known. */
import { sizeOf } from "../../../../src/onnx/graph.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import { constantValue } from "../_constants.ts";
import { operation } from "../_operation.ts";
import { plainOrder, type Value } from "../_value.ts";

/** The rows. */
export const SCATTERS: Readonly<Record<string, Row>> = { ScatterND: scatter };

/** Of what is there and what is put in its place, one row behind the other, each element of the result is picked. */
function scatter(call: Call): Value {
  const shape = call.outputShape();
  if (call.text("reduction", "none") !== "none") refuse("it computes with what is there");
  const table = call.constant(1) ?? refuse("its indices are computed, constants are needed");
  const updates = call.inputShape(2);
  const like = { shape, order: plainOrder(shape.length) };
  const rows = [0, 2].map((i) => {
    const own = i === 0 ? like : { shape: updates, order: plainOrder(updates.length) };
    const value = call.isValue(i) ? call.value(i) : constantValue(call, i, own);
    const size = value.shape.slice(1).reduce((product, side) => product * side, 1);
    return call.builder.reshape(call.builder.stored(value), [size]);
  });
  const joined = call.builder.layer({ className: "Concatenate", config: { axis: 1 }, inbound: rows }, "_both");
  const indices = pickedPlaces(call.reals(1, "indices"), { shape, updates, depth: table.shape.at(-1) ?? 0 });
  const picked = operation(call, "gather", { inbound: [joined], options: { axis: 1, indices }, suffix: "_picked" });
  return call.gives(call.builder.reshape(picked, shape.slice(1)), like.order);
}

interface Scattered {
  readonly shape: readonly number[];
  readonly updates: readonly number[];
  /** How many axes the indices are of. */
  readonly depth: number;
}

/** Returns where each element of a sample comes from, of all samples alike. */
function pickedPlaces(indices: Float32Array, scattered: Scattered): readonly number[] {
  const { shape: [samples, ...sides], updates } = scattered;
  if (updates[0] !== samples) refuse(`it puts [${updates}] into [${scattered.shape}], as many a sample are needed`);
  const length = indices.length / samples;
  const [first, ...others] = Array.from(
    { length: samples },
    (_, sample) => placesOf(indices.subarray(sample * length, (sample + 1) * length), { ...scattered, sample, sides }),
  );
  if (others.some((places) => places.some((place, i) => place !== first[i]))) refuse("its indices differ by sample");
  return first;
}

function placesOf(
  indices: Float32Array,
  { shape, depth, sample, sides }: Scattered & { readonly sample: number; readonly sides: readonly number[] },
): readonly number[] {
  const own = sizeOf(sides);
  const block = sizeOf(shape.slice(depth));
  const places = Array.from({ length: own }, (_, i) => i);
  for (let i = 0; i < indices.length / depth; i++) {
    const at = Array.from(
      indices.subarray(i * depth, (i + 1) * depth),
      (index, axis) => index < 0 ? index + shape[axis] : index,
    );
    const [owner, ...rest] = at;
    if (owner !== sample) refuse("its indices lead to other samples");
    const first = rest.reduce((place, index, axis) => place * shape[axis + 1] + index, 0) * block;
    for (let k = 0; k < block; k++) places[first + k] = own + i * block + k;
  }
  return places;
}

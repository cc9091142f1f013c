/** The parts of a prepared model that are quantized together, each of which can be switched on and off by itself. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { adoptPrepared } from "../quantize/adopt.ts";
import type { PlacedQuantizer } from "../quantize/record.ts";
import { type QuantizedLayer, quantizedLayer } from "../src/quant/mod.ts";
import { layersOf, type Unit } from "../src/rewrite/mod.ts";

/** Layers that run as one operator, with the quantizers of their weights and of what they give. */
export interface Part {
  /** The layer that does the work, the first; of a quantizer behind an input, the input. */
  readonly layer: string;
  /** Its class, before it was prepared. */
  readonly className: string;
  /** All that is quantized in it: weights, biases, and its output. */
  readonly quantized: readonly QuantizedLayer[];
  /** Where its weights are, if it has some. */
  readonly weights?: { readonly layer: tfl.layers.Layer; readonly quantized: QuantizedLayer };
  /** What puts its output on a grid, if something does, and the value that it gives. */
  readonly output?: { readonly quantized: QuantizedLayer; readonly value: tfl.SymbolicTensor };
}

/** Lists the parts of a prepared model in its order. */
export function partsOf(model: tfl.LayersModel): readonly Part[] {
  const { units, quantizers } = adoptPrepared(model);
  const unitOf = new Map(units.flatMap((unit) => layersOf(unit).map((name) => [name, unit] as const)));
  const quantizerOf = new Map(quantizers.map((quantizer) => [quantizer.of, quantizer]));
  const names = model.layers.map(({ name }) => name);
  const place = (part: Part) => names.indexOf(part.layer.split(":")[0]);
  const grouped = units.map((unit) => partOf(model, { unit, quantizer: quantizerOf.get(unit.end) }));
  const alone = quantizers.filter(({ of }) => unitOf.get(of)?.end !== of)
    .map((quantizer) => partOf(model, { quantizer }));
  return [...grouped, ...alone].filter(({ quantized }) => quantized.length > 0).sort((a, b) => place(a) - place(b));
}

function partOf(
  model: tfl.LayersModel,
  { unit, quantizer }: { readonly unit?: Unit; readonly quantizer?: PlacedQuantizer | undefined },
): Part {
  const inside = unit === undefined ? [] : layersOf(unit).map((name) => model.getLayer(name));
  const own = inside.flatMap((layer) => quantizedLayer(layer) ?? []);
  const weights = inside.find((layer) => quantizedLayer(layer)?.role === "weights");
  const output = quantizer && model.getLayer(quantizer.name);
  const layer = unit?.layer ?? quantizer!.of;
  return {
    layer,
    className: classOf(model.getLayer(layer.split(":")[0])),
    quantized: [...own, ...(output === undefined ? [] : [quantizedLayer(output)!])],
    ...(weights === undefined ? {} : { weights: { layer: weights, quantized: quantizedLayer(weights)! } }),
    ...(output === undefined
      ? {}
      : { output: { quantized: quantizedLayer(output)!, value: output.getOutputAt(0) as tfl.SymbolicTensor } }),
  };
}

function classOf(layer: tfl.layers.Layer): string {
  return quantizedLayer(layer)?.original?.className ?? layer.getClassName();
}

/**
 * Runs `work` with the parts quantized for which `isOn` holds, and the others in float; all are as before afterwards.
 */
export async function withParts<T>(
  parts: readonly Part[],
  { isOn, work }: { readonly isOn: (part: Part) => boolean; readonly work: () => Promise<T> },
): Promise<T> {
  const all = parts.flatMap(({ quantized }) => quantized);
  const before = all.map(({ phase }) => phase.fakeQuantizing);
  // A layer that is shared is on where one of its calls is.
  for (const layer of all) layer.setPhase({ fakeQuantizing: false });
  for (const part of parts) if (isOn(part)) part.quantized.forEach((layer) => layer.setPhase({ fakeQuantizing: true }));
  try {
    return await work();
  } finally {
    all.forEach((layer, i) => before[i] !== undefined && layer.setPhase({ fakeQuantizing: before[i] }));
  }
}

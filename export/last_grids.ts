/**
 * What can be compared exactly of an output that is on no grid: the codes of the last grids before it.
 *
 * A head in float (softmax behind a Reshape, log-softmax, a layer kept in float) answers in float32, where two runtimes
 * differ in the last bits. The values that it starts from are codes. They are no outputs of the file that is shipped, so
 * they are read off a second one, of the same layers, that has them as further outputs and is used for this alone.
 */
import * as tfl from "@tensorflow/tfjs-layers";
import type { Answers } from "../models/answers.ts";
import { outputNames } from "../models/ports.ts";
import { attachRecord, recordOf } from "../quantize/record.ts";
import { quantizedLayer } from "../src/quant/mod.ts";
import { compareAnswers, type GridAgreement } from "./agreement.ts";
import type { Fusion } from "./verify.ts";

/** A model's last grids, as models that answer with them. */
export interface LastGrids {
  /** Answers with the grids alone: to be simulated. */
  readonly model: tfl.LayersModel;
  /** Answers as the model does and with the grids behind that, so that all is fused as in the model's file: to be exported. */
  readonly whole: tfl.LayersModel;
  /** For each output on no grid the layers whose values are the last on one before it, as `model` names its outputs. */
  readonly before: Readonly<Record<string, readonly string[]>>;
}

/**
 * Finds the last grids before the outputs of a prepared model that are on none.
 *
 * @returns Nothing if every output is on a grid, or computed from none but those of other outputs.
 */
export function lastGridsOf(model: tfl.LayersModel): LastGrids | undefined {
  const taps = new Map<string, tfl.SymbolicTensor>();
  const own = new Set(model.outputs.map(keyOf));
  const found = outputNames(model).map((name, i) => {
    const output = model.outputs[i];
    // What is an output itself is compared as such.
    const last = isOnGrid(output) ? [] : gridsBefore(output, new Set()).filter((tensor) => !own.has(keyOf(tensor)));
    for (const tensor of last) taps.set(keyOf(tensor), tensor);
    return { name, keys: last.map(keyOf) };
  });
  if (taps.size === 0) return undefined;
  const grids = [...taps.values()];
  const tapped = tfl.model({ inputs: model.inputs, outputs: grids, name: model.name });
  const whole = tfl.model({ inputs: model.inputs, outputs: [...model.outputs, ...grids], name: model.name });
  const record = recordOf(model);
  if (record !== undefined) attachRecord(whole, record);
  const names = outputNames(tapped);
  const nameOf = new Map([...taps.keys()].map((key, i) => [key, names[i]]));
  const before = found.filter(({ keys }) => keys.length > 0)
    .map(({ name, keys }) => [name, keys.map((key) => nameOf.get(key)!)] as const);
  return { model: tapped, whole, before: Object.fromEntries(before) };
}

function isOnGrid({ sourceLayer }: tfl.SymbolicTensor): boolean {
  return quantizedLayer(sourceLayer)?.role === "activations";
}

function keyOf({ sourceLayer, nodeIndex, tensorIndex }: tfl.SymbolicTensor): string {
  return `${sourceLayer.name}:${nodeIndex}:${tensorIndex}`;
}

/** Goes up from a value to the nearest ones on a grid; `seen` are values that were looked at. */
function gridsBefore(tensor: tfl.SymbolicTensor, seen: Set<string>): readonly tfl.SymbolicTensor[] {
  if (seen.has(keyOf(tensor))) return [];
  seen.add(keyOf(tensor));
  if (isOnGrid(tensor)) return [tensor];
  const { inputTensors } = tensor.sourceLayer.inboundNodes[tensor.nodeIndex];
  return inputTensors.flatMap((input) => gridsBefore(input, seen));
}

/**
 * Compares the codes of the last grids before every output that is on none.
 *
 * @param simulated What `grids.model` answered.
 * @param deployed What the file of `grids.whole` answered to the same samples; its last outputs are the grids.
 * @throws {TypeError} If they do not fit together.
 */
export function compareLastGrids(
  { before }: Pick<LastGrids, "before">,
  { simulated, deployed }: { readonly simulated: Answers; readonly deployed: Answers },
): Readonly<Record<string, readonly GridAgreement[]>> {
  const names = Object.keys(simulated);
  const last = Object.values(deployed).slice(-names.length);
  const named = Object.fromEntries(names.map((name, i) => [name, last[i]]));
  const grids = new Map(
    compareAnswers(simulated, named).map(({ output, compared }) => [output, compared]),
  );
  return Object.fromEntries(
    Object.entries(before).map(([output, layers]) => [
      output,
      layers.map((layer) => {
        const compared = grids.get(layer);
        if (compared?.kind !== "codes") {
          throw new TypeError(`Cannot compare codes of "${layer}": its values are on no grid`);
        }
        const { count, different, maxDifference } = compared;
        return { layer, count, different, maxDifference };
      }),
    ]),
  );
}

/**
 * Says in what a second file is fused otherwise than the first; undefined if in nothing. What only moves values is left out:
 * a further output may be moved to TF.js's layout.
 */
export function otherFusion(first: Fusion, second: Fusion): string | undefined {
  const [a, b] = [first, second].map(computing);
  const differs = [...new Set([...a.keys(), ...b.keys()])].find((key) => a.get(key) !== b.get(key));
  return differs && `it has ${b.get(differs) ?? 0} of ${differs}, not ${a.get(differs) ?? 0}`;
}

function computing({ int8, float }: Fusion): ReadonlyMap<string, number> {
  const counts = new Map(Object.entries(int8));
  for (const { op, layer } of float) {
    if (op === "Transpose") continue;
    const key = `${op} in float of "${layer}"`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

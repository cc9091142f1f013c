/**
 * What rounding weights to a larger scale loses, against a step of what they are multiplied to.
 *
 * A scale that float32 has no number for is raised (`src/numbers/bias_grid.ts`), and codes are rounded anew or vanish. Where
 * a channel is dead nothing is lost. Where inputs are so large, or the output's steps so small, that it would show, no
 * int8 file computes what was trained.
 */
import type { Node } from "../../onnx/graph.ts";
import type { Index } from "../../onnx/index.ts";
import { MIN_BIAS_SCALE } from "../../numbers/bias_grid.ts";
import { EMPTY_SCALE, LEAST_SCALE } from "../../numbers/qparams.ts";
import { staysOnGrid } from "./place_qdq.ts";
import { forEachChannel, type QuantizedConstant } from "./_quantized_constant.ts";

/** Largest code above a zero point of eight bits. */
const MOST = 255;

/** What is written in place of weights. */
export interface Written {
  /** The operator whose weights they are. */
  readonly node: Node;
  /** The weights as they were trained, their channels multiplied with `factors`. */
  readonly trained: QuantizedConstant;
  /** Default: 1. */
  readonly factors?: Float64Array;
  /** The weights in the file. */
  readonly written: QuantizedConstant;
}

/** @throws {RangeError} If half a step of the output's grid or more is lost in a channel. */
export function refuseLoss({ node, trained, factors, written }: Written, index: Index): void {
  const input = gridBefore(node, index);
  const inputScale = input?.op === "DequantizeLinear" ? index.constant(input.inputs[1])?.data[0] : undefined;
  const step = stepBehind(node, index);
  // An output that was 0 whenever it was looked at shows nothing.
  if (inputScale === undefined || step === undefined || step === EMPTY_SCALE) return;
  const isAtFloor = (scale: number) => scale <= LEAST_SCALE || scale * Number(inputScale) <= 2 * MIN_BIAS_SCALE;
  const lost = lossesOf({ trained, factors, written });
  const channel = lost.findIndex((loss, c) =>
    isAtFloor(written.scale[written.scale.length === 1 ? 0 : c]) && loss * MOST * Number(inputScale) > step / 2
  );
  if (channel < 0) return;
  throw new RangeError(
    `Cannot quantize the weights of "${
      node.layer ?? node.name
    }": those of channel ${channel} need a scale that is too ` +
      `small for float32, and would be lost though they show in the output; weights, inputs or outputs of other magnitudes are needed`,
  );
}

/** The sum of what is lost of a channel's weights, in magnitudes. */
function lossesOf({ trained, factors, written }: Omit<Written, "node">): readonly number[] {
  const { channels = { inner: written.codes.data.length, count: 1 } } = written;
  const losses = new Array<number>(channels.count).fill(0);
  const real = ({ codes, scale, zeroPoint }: QuantizedConstant, i: number, c: number) => {
    const at = scale.length === 1 ? 0 : c;
    return (Number(codes.data[i]) - Number(zeroPoint[at])) * scale[at];
  };
  forEachChannel(channels, written.codes.data.length, (c, from, to) => {
    for (let i = from; i < to; i++) {
      losses[c] += Math.abs(real(trained, i, c) * (factors?.[c] ?? 1) - real(written, i, c));
    }
  });
  return losses;
}

/** The node that gives what `node` reads, before it was moved. */
function gridBefore(node: Node, index: Index): Node | undefined {
  let source = index.producer(node.inputs[0]);
  while (source !== undefined && staysOnGrid(source, index)) source = index.producer(source.inputs[0]);
  return source;
}

/** The step of the grid that the output of `node` is put on, through what is folded or absorbed; undefined if on none. */
function stepBehind(node: Node, index: Index): number | undefined {
  let reader = index.soleUse(node.outputs[0]);
  while (reader !== undefined && (ABSORBED.has(reader.op) || staysOnGrid(reader, index))) {
    reader = index.soleUse(reader.outputs[0]);
  }
  return reader?.op === "QuantizeLinear" ? Number(index.constant(reader.inputs[1])?.data[0]) : undefined;
}

const ABSORBED: ReadonlySet<string> = new Set(["BatchNormalization", "Relu", "Clip"]);

/** What darknet's nets are made of: convolutions with batch normalization and LeakyReLU, and heads of boxes. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { BEFORE_CLASSES } from "../detection.ts";
import { applyTo, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** Slope of LeakyReLU for negative values. */
const SLOPE = 0.1;

/** Epsilon of batch normalization, as in darknet's kernels. */
export const EPSILON = 1e-5;

/** Deviation of the weights that heads of boxes start from, as in Lin et al., "Focal Loss" (2017), section 4.1. */
const HEAD_DEVIATION = 0.01;

/** What share of boxes is there, to a net that knows nothing: the same paper's, section 3.3. */
const PRIOR = 0.01;

/** Which number of a box says whether there is one. */
const OBJECTNESS = 4;

/** A convolution's name and size. */
export interface DarknetConv {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
}

/** A convolution padded by half its kernel on all sides, batch normalization and LeakyReLU(0.1). */
export function darknetConv(blocks: Blocks, conv: DarknetConv): readonly Layer[] {
  const { name } = conv;
  return [
    ...blocks.convAround(conv),
    blocks.norm(`${name}_bn`),
    layers.leakyReLU({ name: `${name}_leaky`, alpha: SLOPE }),
  ];
}

/** What gives boxes on a grid. */
export interface BoxesHead {
  /** Pixels of the picture a cell of the grid, in both directions: the output is called `boxes_${stride}`. */
  readonly stride: number;
  /** The anchors of a cell. */
  readonly anchors: readonly unknown[];
  readonly classes: number;
}

/**
 * Applies the 1×1 convolution that gives boxes: for each anchor x, y, width, height, objectness and classes, as they are.
 *
 * Shapes: [n, h, w, c] → [n, h, w, anchors · (5 + classes)].
 */
export function boxesOf(
  x: tfl.SymbolicTensor,
  { stride, anchors, classes, blocks }: BoxesHead & { readonly blocks: Blocks },
): tfl.SymbolicTensor {
  const name = `boxes_${stride}`;
  const conv = layers.conv2d({
    name,
    filters: anchors.length * (BEFORE_CLASSES + classes),
    kernelSize: 1,
    kernelInitializer: blocks.normal(name, HEAD_DEVIATION),
  });
  return applyTo(conv, x);
}

/** Draws the numbers that kernels of heads of boxes start from. */
export function drawBoxes(shape: number[], seed: number): tf.Tensor {
  return tfl.initializers.randomNormal({ stddev: HEAD_DEVIATION, seed }).apply(shape);
}

/**
 * Lets the heads of `model` begin by saying that hardly any box is there: nearly all are not, and learning that first would
 * drown what else is to be learned.
 */
export function startBoxes(model: tfl.LayersModel, { classes }: Pick<BoxesHead, "classes">): void {
  const start = -Math.log((1 - PRIOR) / PRIOR);
  for (const { sourceLayer: head } of model.outputs) {
    const [kernel, bias] = head.getWeights();
    const values = Float32Array.from(
      { length: bias.size },
      (_, i) => i % (BEFORE_CLASSES + classes) === OBJECTNESS ? start : 0,
    );
    const started = tf.tensor1d(values);
    head.setWeights([kernel, started]);
    started.dispose();
  }
}

/** Doubles height and width. */
export function upsample(name: string): Layer {
  return layers.upSampling2d({ name, size: [2, 2] });
}

/** Puts channels beside each other. */
export function concatenate(name: string, parts: readonly tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  return applyTo(layers.concatenate({ name }), [...parts]);
}

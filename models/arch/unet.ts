/** A small U-Net: a class for each pixel. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";

const { layers } = tfl;

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** Filters at each size of the picture, halved between: two convolutions each, on the way down and up again. */
const FILTERS = [16, 32, 64, 128];

/** What the sides of a picture are multiples of. */
export const UNET_STRIDE = 2 ** (FILTERS.length - 1);

/** Makes the layers that double a picture and bring it to `filters` channels. */
type GoUp = (blocks: Blocks, level: { readonly name: string; readonly filters: number }) => readonly Layer[];

/**
 * Makes `unet`: two 3×3 convolutions at each of four sizes down, then up again by nearest neighbours and a convolution, with
 * what was there on the way down beside it, and a 1×1 convolution that gives each pixel a number a class.
 *
 * Source: Ronneberger et al., "U-Net" (2015), with a quarter of its filters and one size less, padded to keep the size, with
 * batch normalization.
 * Shapes: [n, h, w, c] → [n, h, w, outputs]. 538,000 weights at 3 channels and 10 classes.
 */
export function unet(options: ArchOptions): tfl.LayersModel {
  return buildUnet("unet", options, (blocks, { name, filters }) => [
    layers.upSampling2d({ name: `${name}_up`, size: [2, 2] }),
    ...convolved(blocks, { name: `${name}_up_conv`, filters, kernelSize: 3 }),
  ]);
}

/**
 * Makes `unet_transposed`: the same, going up by a transposed 2×2 convolution of stride 2, as in the paper.
 *
 * Shapes: [n, h, w, c] → [n, h, w, outputs].
 */
export function unetTransposed(options: ArchOptions): tfl.LayersModel {
  return buildUnet("unet_transposed", options, (blocks, { name, filters }) => [
    layers.conv2dTranspose({
      name: `${name}_up`,
      filters,
      kernelSize: 2,
      strides: 2,
      kernelInitializer: blocks.uniform(`${name}_up`),
    }),
  ]);
}

function buildUnet(
  name: string,
  { inputShape, seed, outputs: classes }: ArchOptions,
  goUp: GoUp,
): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-3 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const skips: tfl.SymbolicTensor[] = [];
  let x: tfl.SymbolicTensor = image;
  FILTERS.forEach((filters, i) => {
    if (i > 0) x = applyTo(layers.maxPooling2d({ name: `pool${i}`, poolSize: 2 }), x);
    x = applyAll(x, twice(blocks, `down${i + 1}`, filters));
    skips.push(x);
  });
  for (let i = FILTERS.length - 2; i >= 0; i--) {
    const level = { name: `up${i + 1}`, filters: FILTERS[i] };
    const upper = applyAll(x, goUp(blocks, level));
    const merged = applyTo(layers.concatenate({ name: `${level.name}_concat` }), [skips[i], upper]);
    x = applyAll(merged, twice(blocks, level.name, level.filters));
  }
  const map = layers.conv2d({ name: "map", filters: classes, kernelSize: 1, kernelInitializer: blocks.uniform("map") });
  return tfl.model({ name, inputs: image, outputs: applyTo(map, x) });
}

/** Two 3×3 convolutions. */
function twice(blocks: Blocks, name: string, filters: number): readonly Layer[] {
  return [1, 2].flatMap((i) => convolved(blocks, { name: `${name}_conv${i}`, filters, kernelSize: 3 }));
}

/** A convolution with batch normalization and ReLU. */
function convolved(blocks: Blocks, conv: Parameters<Blocks["conv"]>[0]): readonly Layer[] {
  return [blocks.conv(conv), blocks.norm(`${conv.name}_bn`), layers.reLU({ name: `${conv.name}_relu` })];
}

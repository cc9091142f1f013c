/** The plain network of 16 layers for photographs. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, type ArchOptions, Blocks } from "./_blocks.ts";
import { averagePoolTo } from "./_pools.ts";

const { layers } = tfl;

/** Filters of the convolutions, a stage a line; behind each the picture is halved. */
const STAGES = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]];

/** Sides of what the dense layers read. */
const SIDE = 7;
const UNITS = 4096;

/**
 * Makes `vgg16`: 13 convolutions of 3×3 with ReLU in five stages, each halved by a 2×2 max-pool, and three dense layers with
 * dropout of 0.5 between. Pictures of other sizes than 224×224 are averaged to 7×7 before those, as in torchvision.
 *
 * Source: Simonyan and Zisserman, "Very Deep Convolutional Networks" (2015), table 1, column D: with biases, without batch
 * normalization. As torchvision's it starts from He's weights by fan-out, dense layers from a deviation of 0.01.
 * Shapes: [n, h, w, c] → [n, outputs]. 15.5 billion multiply-adds at 224×224×3.
 */
export function vgg16({ inputShape, seed, ...head }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: 1e-5, start: "he-out", denseStart: 0.01 });
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const features = STAGES.reduce(
    (x, filters, s) =>
      applyAll(x, [
        ...filters.flatMap((count, i) => convolved(blocks, { name: `conv${s + 1}_${i + 1}`, filters: count })),
        layers.maxPooling2d({ name: `pool${s + 1}`, poolSize: 2 }),
      ]),
    image,
  );
  const outputs = applyAll(averagePoolTo(features, { name: "average_pool", side: SIDE }), [
    layers.flatten({ name: "flatten" }),
    ...[1, 2].flatMap((i) => [
      blocks.projection({ name: `hidden${i}`, units: UNITS }),
      layers.reLU({ name: `hidden${i}_relu` }),
      layers.dropout({ name: `dropout${i}`, rate: 0.5 }),
    ]),
    ...blocks.head(head),
  ]);
  return tfl.model({ name: "vgg16", inputs: image, outputs });
}

function convolved(blocks: Blocks, { name, filters }: { readonly name: string; readonly filters: number }) {
  return [blocks.conv({ name, filters, kernelSize: 3, useBias: true }), layers.reLU({ name: `${name}_relu` })];
}

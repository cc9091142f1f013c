/** Built-in architectures, to be trained from nothing. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { checkSeed } from "../../src/numbers/random.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import { PUBLISHED_ANCHORS } from "../anchors.ts";
import { attachDetection } from "../detection.ts";
import type { ArchEnd, Architecture, Published, SampleKind } from "./_architecture.ts";
import type { ArchOptions, HeadOptions, Vocabulary } from "./_blocks.ts";
import { checkOptions } from "./_check.ts";
import { cifarCnn } from "./cifar_cnn.ts";
import { drawBoxes, startBoxes } from "./_darknet.ts";
import { densenet121 } from "./densenet121.ts";
import { efficientnetLite0 } from "./efficientnet_lite0.ts";
import { googlenet } from "./googlenet.ts";
import { inceptionV3 } from "./inception_v3.ts";
import { mlp } from "./mlp.ts";
import { mobilenetV1 } from "./mobilenet_v1.ts";
import { mobilenetV2 } from "./mobilenet_v2.ts";
import { mobilenetV3Small } from "./mobilenet_v3_small.ts";
import { gru, lstm } from "./recurrent.ts";
import { resnet18, resnet34, resnet50, resnext101, resnext50 } from "./resnet.ts";
import { resnet20 } from "./resnet20.ts";
import { shufflenetV2, shufflenetV2Half } from "./shufflenet_v2.ts";
import { squeezenet } from "./squeezenet.ts";
import { tinyYolo } from "./tiny_yolo.ts";
import { tinyYolov2 } from "./tiny_yolov2.ts";
import { transformer, transformerEncoder } from "./transformer.ts";
import { unet, UNET_STRIDE, unetTransposed } from "./unet.ts";
import { vgg16 } from "./vgg16.ts";
import { yolov3 } from "./yolov3.ts";
import { yolov3Tiny } from "./yolov3_tiny.ts";

export type { ArchEnd, Architecture, ArchOptions, HeadOptions, Published, SampleKind, Vocabulary };
export { drawBoxes, startBoxes };
export { BERT_BASE, SMALL_TRANSFORMER, transformer, type TransformerOptions } from "./transformer.ts";
export type { TransformerSize } from "./transformer.ts";

/** Names of the built-in architectures, as `--arch` takes them. */
export const ARCH_NAMES = [
  "cifar_cnn",
  "tiny_yolo",
  "resnet20",
  "resnet18",
  "resnet34",
  "resnet50",
  "resnext50_32x4d",
  "resnext101_32x8d",
  "mobilenet_v1",
  "mobilenet_v2",
  "mobilenet_v3_small",
  "efficientnet_lite0",
  "shufflenet_v2",
  "shufflenet_v2_x0_5",
  "squeezenet",
  "googlenet",
  "inception_v3",
  "densenet121",
  "vgg16",
  "mlp",
  "lstm",
  "gru",
  "transformer",
  "transformer_encoder",
  "yolov3_tiny",
  "yolov3",
  "tiny_yolov2",
  "unet",
  "unet_transposed",
] as const;

/** Name of a built-in architecture. */
export type ArchName = (typeof ARCH_NAMES)[number];

const DEFAULTS: Readonly<Record<SampleKind, ArchName>> = {
  pictures: "cifar_cnn",
  rows: "mlp",
  tokens: "transformer",
  series: "lstm",
};

const WHOLE = ["classes", "numbers"] as const;
const SEQUENCE = [...WHOLE, "positions"] as const;
const PICTURES = { takes: ["pictures"], ends: WHOLE } as const;
const DETECTOR = { takes: ["pictures"], ends: ["boxes"], multipleOf: 32 } as const;

/**
 * The built-in architectures: what each takes, and what it can end in.
 *
 * Pictures are [n, h, w, c], rows of numbers [n, columns], tokens [n, t], sequences of rows [n, t, columns]. Answers for a
 * sample are [n, outputs] of a layer "dense" (of `squeezenet` a convolution whose places are averaged), behind which comes
 * "softmax" or "sigmoid" if that is the head; those at each position [n, t, outputs]; boxes
 * [n, h/s, w/s, anchors · (5 + outputs)] of layers `boxes_${s}`, the coarsest grid first; a map [n, h, w, outputs] of a layer
 * "map", before any softmax. One seed gives the same weights on every backend.
 */
export const ARCHITECTURES: Readonly<Record<ArchName, Architecture>> = {
  cifar_cnn: { ...PICTURES, make: cifarCnn },
  tiny_yolo: { ...PICTURES, make: tinyYolo },
  resnet20: { ...PICTURES, make: resnet20 },
  resnet18: { ...PICTURES, published: photographs("torchvision's resnet18", 11_689_512), make: resnet18 },
  resnet34: { ...PICTURES, published: photographs("torchvision's resnet34", 21_797_672), make: resnet34 },
  resnet50: { ...PICTURES, published: photographs("torchvision's resnet50", 25_557_032), make: resnet50 },
  resnext50_32x4d: {
    ...PICTURES,
    published: photographs("torchvision's resnext50_32x4d", 25_028_904),
    make: resnext50,
  },
  resnext101_32x8d: {
    ...PICTURES,
    published: photographs("torchvision's resnext101_32x8d", 88_791_336),
    make: resnext101,
  },
  mobilenet_v1: {
    ...PICTURES,
    hasWidths: true,
    published: photographs("Keras' MobileNet", 4_231_976),
    make: mobilenetV1,
  },
  mobilenet_v2: {
    ...PICTURES,
    hasWidths: true,
    published: photographs("torchvision's mobilenet_v2", 3_504_872),
    make: mobilenetV2,
  },
  mobilenet_v3_small: {
    ...PICTURES,
    hasWidths: true,
    published: photographs("torchvision's mobilenet_v3_small", 2_542_856),
    make: mobilenetV3Small,
  },
  efficientnet_lite0: {
    ...PICTURES,
    published: photographs("TensorFlow's efficientnet-lite0", 4_652_008),
    make: efficientnetLite0,
  },
  shufflenet_v2: {
    ...PICTURES,
    published: photographs("torchvision's shufflenet_v2_x1_0", 2_278_604),
    make: shufflenetV2,
  },
  shufflenet_v2_x0_5: {
    ...PICTURES,
    published: photographs("torchvision's shufflenet_v2_x0_5", 1_366_792),
    make: shufflenetV2Half,
  },
  squeezenet: {
    ...PICTURES,
    leastSide: 17,
    published: photographs("torchvision's squeezenet1_1", 1_235_496),
    make: squeezenet,
  },
  googlenet: {
    ...PICTURES,
    leastSide: 15,
    published: photographs("torchvision's googlenet without auxiliary classifiers", 6_624_904),
    make: googlenet,
  },
  inception_v3: {
    ...PICTURES,
    leastSide: 75,
    published: photographs("torchvision's inception_v3 without its auxiliary classifier", 23_834_568, 299),
    make: inceptionV3,
  },
  densenet121: {
    ...PICTURES,
    leastSide: 29,
    published: photographs("torchvision's densenet121", 7_978_856),
    make: densenet121,
  },
  vgg16: { ...PICTURES, leastSide: 32, published: photographs("torchvision's vgg16", 138_357_544), make: vgg16 },
  mlp: { takes: ["rows"], ends: WHOLE, make: mlp },
  lstm: { takes: ["pictures", "tokens", "series"], ends: SEQUENCE, make: lstm },
  gru: { takes: ["pictures", "tokens", "series"], ends: SEQUENCE, make: gru },
  transformer: { takes: ["pictures", "tokens"], ends: SEQUENCE, make: transformer },
  transformer_encoder: { takes: ["pictures", "tokens"], ends: SEQUENCE, make: transformerEncoder },
  yolov3_tiny: { ...DETECTOR, boxes: { kind: "yolov3", anchors: PUBLISHED_ANCHORS.yolov3_tiny }, make: yolov3Tiny },
  yolov3: { ...DETECTOR, boxes: { kind: "yolov3", anchors: PUBLISHED_ANCHORS.yolov3 }, make: yolov3 },
  tiny_yolov2: { ...DETECTOR, boxes: { kind: "region", anchors: PUBLISHED_ANCHORS.tiny_yolov2 }, make: tinyYolov2 },
  unet: { takes: ["pictures"], ends: ["map"], multipleOf: UNET_STRIDE, make: unet },
  unet_transposed: { takes: ["pictures"], ends: ["map"], multipleOf: UNET_STRIDE, make: unetTransposed },
};

/** One of colour photographs in 1000 classes. */
function photographs(by: string, weights: number, side = 224): Published {
  return { by, inputShape: [side, side, 3], outputs: 1000, weights };
}

/**
 * Builds the architecture called `name`, with fresh weights.
 *
 * One that gives boxes has the published anchors where none are given, and notes with the model what its outputs are (see
 * `detectionOf`).
 *
 * @throws {RangeError} If there is none of that name, it takes no such samples or cannot end as asked, or the shape, the
 *   number of outputs, the width, an anchor or the seed is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { buildArchitecture } from "./mod.ts";
 *
 * const model = buildArchitecture("cifar_cnn", { inputShape: [32, 32, 3], outputs: 10, seed: 1 });
 * assert.deepEqual(model.outputs[0].shape, [null, 10]);
 * assert.throws(() => buildArchitecture("cifar", { inputShape: [32, 32, 3], outputs: 10, seed: 1 }), RangeError);
 * ```
 */
export function buildArchitecture(name: string, options: ArchOptions): tfl.LayersModel {
  const cannot = `Cannot build the architecture "${name}"`;
  const row = ARCHITECTURES[checkChoice(name, { of: ARCH_NAMES, cannot })];
  checkOptions(options, row, cannot);
  checkSeed(options.seed);
  if (row.boxes !== undefined) return buildDetector(options, row.boxes, row.make);
  const model = row.make(options);
  if (options.bias !== undefined) setBias(model, options.bias);
  return model;
}

function buildDetector(
  options: ArchOptions,
  { kind, anchors: published }: NonNullable<Architecture["boxes"]>,
  make: Architecture["make"],
): tfl.LayersModel {
  const { anchors = published, outputs: classes } = options;
  const model = make({ ...options, anchors });
  startBoxes(model, { classes });
  attachDetection(model, { kind, anchors, classes });
  return model;
}

/** Returns the architecture that suits samples of a kind, and what a model is to end in, where none is asked for. */
export function defaultArch(kind: SampleKind, head?: HeadOptions["head"]): ArchName {
  if (head === "boxes") return "yolov3_tiny";
  return head === "map" ? "unet" : DEFAULTS[kind];
}

/** What is left of the kernel beside a bias that answers are to start from. */
const KERNEL_SHARE = 0.01;

/**
 * Gives the dense layer of the head the bias that it starts from, and lets little of its kernel stand: what it makes of
 * weights that have learned nothing is noise, and larger than what is left to learn.
 */
function setBias(model: tfl.LayersModel, bias: readonly number[]): void {
  const dense = model.getLayer("dense");
  const [kernel] = dense.getWeights();
  const start = [tf.mul(kernel, KERNEL_SHARE), tf.tensor1d([...bias])];
  dense.setWeights(start);
  tf.dispose(start);
}

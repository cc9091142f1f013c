/** Detectors, layer by layer, as darknet's configuration files have them. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { PUBLISHED_ANCHORS } from "../anchors.ts";
import { detectionOf } from "../detection.ts";
import { type ModelSummary, summarize } from "../summary.ts";
import { type ArchName, type ArchOptions, buildArchitecture } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const COCO = { inputShape: [416, 416, 3], outputs: 80, head: "boxes", seed: 1 } as const;

/** Models by name: the large ones take seconds to fill with numbers. */
const built = new Map<ArchName, tfl.LayersModel>();

/** Returns a detector of 20 classes for `tiny_yolov2`, 80 for others. */
function detectorOf(name: ArchName): tfl.LayersModel {
  const known = built.get(name) ??
    buildArchitecture(name, { ...COCO, ...(name === "tiny_yolov2" ? { outputs: 20 } : {}) });
  built.set(name, known);
  return known;
}

/** Convolutions as kernel and what they give, and what pools, routes and adds give, in darknet's words. */
function darknetLayers({ layers }: ModelSummary): readonly string[] {
  return layers.flatMap(({ className, shapes: [shape], reads }) => {
    const gives = shape.join("x");
    const from = reads.map((name) => name.replace(/_leaky$/, "")).join("+");
    const words = new Map([
      ["Conv2D", "conv"],
      ["MaxPooling2D", "max"],
      ["UpSampling2D", "upsample"],
      ["Concatenate", `route ${from}`],
      ["Add", "shortcut"],
    ]);
    const word = words.get(className);
    return word === undefined ? [] : [`${word} ${gives}`];
  });
}

Deno.test("yolov3_tiny has the layers of yolov3-tiny.cfg, and as many weights as the published file", () => {
  const summary = summarize(detectorOf("yolov3_tiny"));
  assert.deepEqual(
    darknetLayers(summary).toSorted(),
    [
      "conv 416x416x16",
      "max 208x208x16",
      "conv 208x208x32",
      "max 104x104x32",
      "conv 104x104x64",
      "max 52x52x64",
      "conv 52x52x128",
      "max 26x26x128",
      "conv 26x26x256",
      "max 13x13x256",
      "conv 13x13x512",
      "max 13x13x512",
      "conv 13x13x1024",
      "conv 13x13x256",
      "conv 13x13x512",
      "conv 13x13x255",
      "conv 13x13x128",
      "upsample 26x26x128",
      "route up+conv5 26x26x384",
      "conv 26x26x256",
      "conv 26x26x255",
    ].toSorted(),
  );
  // yolov3-tiny.weights is 35,434,956 bytes: 5 numbers of 4 bytes, then these, what batch normalization keeps included.
  assert.equal(summary.parameters, 8_858_734);
});

Deno.test("yolov3 has the layers of yolov3.cfg, and as many weights as the published file", () => {
  const summary = summarize(detectorOf("yolov3"));
  const body = [[208, 64, 1], [104, 128, 2], [52, 256, 8], [26, 512, 8], [13, 1024, 4]].flatMap(
    ([side, filters, blocks]) => {
      const whole = `${side}x${side}x${filters}`;
      const block = [`conv ${side}x${side}x${filters / 2}`, `conv ${whole}`, `shortcut ${whole}`];
      return [`conv ${whole}`, ...Array.from({ length: blocks }, () => block).flat()];
    },
  );
  const heads = [[13, 512], [26, 256], [52, 128]].flatMap(([side, filters]) => {
    const [narrow, wide] = [filters, 2 * filters].map((count) => `conv ${side}x${side}x${count}`);
    return [narrow, wide, narrow, wide, narrow, wide, `conv ${side}x${side}x255`];
  });
  const ups = [
    "conv 13x13x256",
    "upsample 26x26x256",
    "route up_16+stage4_block8_add 26x26x768",
    "conv 26x26x128",
    "upsample 52x52x128",
    "route up_8+stage3_block8_add 52x52x384",
  ];
  const expected = ["conv 416x416x32", ...body, ...heads, ...ups];
  assert.deepEqual(darknetLayers(summary).toSorted(), expected.toSorted());
  // 75 convolutions and 23 residual blocks; yolov3.weights is 248,007,048 bytes: 5 numbers of 4 bytes, then these.
  assert.deepEqual([expected.filter((layer) => layer.startsWith("conv")).length, summary.parameters], [75, 62_001_757]);
});

Deno.test("yolov3 adds what each block of its body reads to what it computes", () => {
  const { layers } = summarize(detectorOf("yolov3"));
  const readsOf = (name: string) => layers.find((layer) => layer.name === name)?.reads;
  for (const [stage, blocks] of [1, 2, 8, 8, 4].entries()) {
    const prefix = `stage${stage + 1}`;
    let before = `${prefix}_conv_leaky`;
    for (let b = 1; b <= blocks; b++) {
      const name = `${prefix}_block${b}`;
      assert.deepEqual(readsOf(`${name}_add`), [before, `${name}_conv2_leaky`]);
      assert.deepEqual(readsOf(`${name}_conv1`), [before]);
      before = `${name}_add`;
    }
  }
});

Deno.test("tiny_yolov2 has the layers of yolov2-tiny-voc.cfg, and its weights", () => {
  const summary = summarize(detectorOf("tiny_yolov2"));
  assert.deepEqual(darknetLayers(summary), [
    "conv 416x416x16",
    "max 208x208x16",
    "conv 208x208x32",
    "max 104x104x32",
    "conv 104x104x64",
    "max 52x52x64",
    "conv 52x52x128",
    "max 26x26x128",
    "conv 26x26x256",
    "max 13x13x256",
    "conv 13x13x512",
    "max 13x13x512",
    "conv 13x13x1024",
    "conv 13x13x1024",
    "conv 13x13x125",
  ]);
  // 3×3 kernels, four numbers a filter of batch normalization, and the head's with its bias: by hand.
  const filters = [16, 32, 64, 128, 256, 512, 1024, 1024];
  const body = filters.reduce((sum, n, i) => sum + 9 * [3, ...filters][i] * n + 4 * n, 0);
  assert.deepEqual([body + 1025 * 125, summary.parameters], [15_867_885, 15_867_885]);
});

for (const name of ["yolov3_tiny", "yolov3", "tiny_yolov2"] as const) {
  Deno.test(`${name} gives boxes from the coarsest grid to the finest, and says so in its metadata`, () => {
    const model = detectorOf(name);
    const detection = detectionOf(model);
    assert.ok(detection !== undefined);
    assert.deepEqual(detection.anchors, PUBLISHED_ANCHORS[name]);
    model.outputs.forEach(({ shape, sourceLayer }, i) => {
      const stride = 32 / 2 ** i;
      assert.equal(sourceLayer.name, `boxes_${stride}`);
      const channels = detection.anchors[i].length * (5 + detection.classes);
      assert.deepEqual(shape, [null, 416 / stride, 416 / stride, channels]);
    });
  });

  Deno.test(`${name} begins by saying that one in a hundred boxes is there, about where its anchors are`, () => {
    const model = detectorOf(name);
    const numbers = 5 + (detectionOf(model)?.classes ?? 0);
    for (const { sourceLayer: head } of model.outputs) {
      const [kernel, bias] = head.getWeights().map((weight) => weight.dataSync<"float32">());
      const deviation = Math.sqrt(kernel.reduce((sum, w) => sum + w * w, 0) / kernel.length);
      assert.ok(Math.abs(deviation - 0.01) < 1e-3, `${head.name}: ${deviation}`);
      bias.forEach((b, i) =>
        // x, y, width, height, objectness, classes.
        assert.ok(
          i % numbers === 4 ? Math.abs(1 / (1 + Math.exp(-b)) - 0.01) < 1e-6 : b === 0,
          `${head.name}: ${b}`,
        )
      );
    }
  });
}

Deno.test("yolov3_tiny takes pictures that are wider than high", () => {
  const model = buildArchitecture("yolov3_tiny", { ...COCO, inputShape: [32, 64, 1], outputs: 1 });
  assert.deepEqual(model.outputs.map(({ shape }) => shape), [[null, 1, 2, 18], [null, 2, 4, 18]]);
});

Deno.test("buildArchitecture() takes anchors for each output, and refuses others", () => {
  const options = { ...COCO, inputShape: [64, 64, 3], outputs: 2 };
  const anchors = [[[30, 30]], [[5, 5], [10, 12]]] as const;
  const model = buildArchitecture("yolov3_tiny", { ...options, anchors });
  assert.deepEqual(model.outputs.map(({ shape }) => shape.at(-1)), [7, 14]);
  assert.deepEqual(detectionOf(model), { kind: "yolov3", anchors, classes: 2 });
  const refused: readonly (readonly [Partial<ArchOptions>, string])[] = [
    [{ anchors: anchors.slice(1) }, "there are 1 lists of anchors, needed are 2, a list an output"],
    [{ anchors: [[], [[1, 2]]] }, "a list of anchors is empty"],
    [{ anchors: [[[0, 1]], [[1, 2]]] }, "an anchor is [0,1], a positive width and height are needed"],
    [{ anchors: [[[1, NaN]], [[1, 2]]] }, "an anchor is [1,NaN]"],
    [{ outputs: 0 }, "boxes of 0 outputs is asked for, at least 1 are needed"],
    [{ bias: [1, 2] }, "a bias is given, boxes start from one of their own"],
    [{ inputShape: [64, 80, 3] }, "images are 64x80, sides that are multiples of 32 are needed"],
    [{ head: "softmax" }, "classes of a sample are asked for, it ends in boxes"],
  ];
  for (const [change, message] of refused) {
    assert.throws(() => buildArchitecture("yolov3_tiny", { ...options, ...change }), (error: Error) => {
      assert.ok(error instanceof RangeError && error.message.includes(message), error.message);
      return true;
    });
  }
});

Deno.test("detectionOf() refuses metadata that does not fit the model", () => {
  const model = buildArchitecture("yolov3_tiny", { ...COCO, inputShape: [64, 64, 3], outputs: 2 });
  const sound = { kind: "yolov3", anchors: [[[1, 2]], [[1, 2]]], classes: 2 };
  const damages = [{ kind: "yolo" }, { anchors: [[[1, 2]]] }, { anchors: [[[1, 2]], [[1, -2]]] }, { classes: 0.5 }, {
    anchors: [[[1, 2]], []],
  }];
  for (const damage of damages) {
    model.setUserDefinedMetadata({ detection: { ...sound, ...damage } });
    assert.throws(() => detectionOf(model), /metadata "detection" is damaged/);
  }
  model.setUserDefinedMetadata({ other: 1 });
  assert.equal(detectionOf(model), undefined);
  model.dispose();
});

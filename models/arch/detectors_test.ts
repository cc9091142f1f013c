/** Detectors, layer by layer, as darknet's configuration files have them. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { detectionOf } from "../detection.ts";
import { type ModelSummary, summarize } from "../summary.ts";
import { type ArchOptions, buildArchitecture } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const COCO = { inputShape: [416, 416, 3], outputs: 80, head: "boxes", seed: 1 } as const;

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
  const summary = summarize(buildArchitecture("yolov3_tiny", COCO));
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

for (const name of ["yolov3_tiny"] as const) {
  Deno.test(`${name} gives boxes from the coarsest grid to the finest, and says so in its metadata`, () => {
    const model = buildArchitecture(name, { ...COCO, inputShape: [64, 96, 3], outputs: 3 });
    const detection = detectionOf(model);
    assert.ok(detection !== undefined);
    assert.equal(detection.classes, 3);
    model.outputs.forEach(({ shape, sourceLayer }, i) => {
      const stride = 32 / 2 ** i;
      assert.equal(sourceLayer.name, `boxes_${stride}`);
      assert.deepEqual(shape, [null, 64 / stride, 96 / stride, detection.anchors[i].length * 8]);
    });
    model.dispose();
  });

  Deno.test(`${name} begins by saying that one in a hundred boxes is there, about where its anchors are`, () => {
    const model = buildArchitecture(name, { ...COCO, inputShape: [64, 64, 3], outputs: 3 });
    tf.tidy(() => {
      for (const output of [model.predict(tf.randomUniform([1, 64, 64, 3], 0, 1, "float32", 5))].flat()) {
        const boxes = tf.reshape(output, [-1, 8]);
        const [place, there] = [tf.slice(boxes, [0, 0], [-1, 4]), tf.sigmoid(tf.slice(boxes, [0, 4], [-1, 1]))];
        assert.ok(Math.abs(tf.mean(there).dataSync()[0] - 0.01) < 2e-3);
        assert.ok(tf.max(tf.abs(place)).dataSync()[0] < 1);
      }
    });
    model.dispose();
  });
}

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

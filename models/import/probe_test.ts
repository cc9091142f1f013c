import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply } from "../../tests/_support/small_models.ts";
import { explaining, probeModel } from "./probe.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** A layer that says what it gives, and gives what it is told to. */
class Liar extends tfl.layers.Layer {
  static readonly className = "Liar";
  calls = 0;

  constructor(readonly gives: readonly number[], readonly says: readonly (number | null)[] = [null, 3]) {
    super({ name: "liar" });
  }

  override computeOutputShape(): tfl.Shape {
    return [...this.says];
  }

  override call(): tf.Tensor {
    this.calls++;
    return tf.zeros([...this.gives]);
  }
}

function modelOf(liar: Liar, ...shapes: readonly (readonly (number | null)[])[]): tfl.LayersModel {
  const inputs = shapes.map((shape) => tfl.input({ shape: [...shape] }));
  return tfl.model({ inputs, outputs: apply(liar, ...inputs) });
}

Deno.test("probeModel() runs a model once, on one sample of each input, and keeps no tensor", () => {
  const liar = new Liar([1, 3]);
  const model = modelOf(liar, [2], [4, 5]);
  const before = tf.memory().numTensors;
  probeModel(model, "path");
  assert.equal(liar.calls, 1);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("probeModel() runs nothing where a size is open", () => {
  const liar = new Liar([7]);
  probeModel(modelOf(liar, [2], [null, 5]), "path");
  assert.equal(liar.calls, 0);
});

Deno.test("probeModel() takes any number where the model leaves it open", () => {
  probeModel(modelOf(new Liar([1, 9, 3], [null, null, 3]), [2]), "path");
});

Deno.test("probeModel() refuses answers of another shape than the model says", () => {
  for (const [gives, says] of [[[1, 4], [null, 3]], [[1, 3, 1], [null, 3]], [[1], [null, 3]]] as const) {
    assert.throws(() => probeModel(modelOf(new Liar(gives, says), [2]), "path"), {
      name: "ModelFileError",
      message: `Cannot load "path": TensorFlow.js cannot make or run it: its output 0 is [?,3] and gives [${gives}]`,
    });
  }
});

Deno.test("explaining() names the layer that TensorFlow.js refuses to run, whoever runs it", () => {
  const model = modelOf(new Liar([1, 3]), [2]);
  assert.equal(explaining("path", () => [model.predict(tf.zeros([1, 2]))].flat().length), 1);
  const norm = tfl.layers.layerNormalization({ name: "norm", inputShape: [2, 2, 2, 2] });
  const wide = tfl.sequential({ layers: [norm] });
  assert.throws(() => explaining("path", () => wide.predict(tf.zeros([1, 2, 2, 2, 2]))), {
    name: "ModelFileError",
    message: 'Cannot load "path": the layer "norm" (LayerNormalization) cannot read [1,2,2,2,2]: ' +
      "batchNormalization is not implemented for array of rank 5 yet",
  });
});

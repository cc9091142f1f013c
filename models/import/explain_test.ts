/** What is made of the errors that TensorFlow.js throws while it makes a model. */
import assert from "node:assert/strict";
import { QuantizedLayerError } from "../../src/quant/mod.ts";
import { BuildError } from "./_build.ts";
import { explainFailure, explainRefusal } from "./_explain.ts";

/** Why a model of this topology is refused when `cause` is thrown. */
function because(topology: Record<string, unknown>, cause: unknown): string {
  const error = explainRefusal({ path: "m.json", byteLength: 1, topology, groups: [] }, cause);
  assert.deepEqual([error.name, error.cause], ["ModelFileError", cause]);
  return error.message.replace('Cannot load "m.json": ', "");
}

/** What tfjs-layers 4.22 throws where it does not know a class. */
const unknown = (kind: string, name: string) => new Error(`Unknown ${kind}: ${name}. This may be due to one of`);
const KNOWN =
  "which is not known here; one of TensorFlow.js, or one given to tf.serialization.registerClass, is needed";
const layer = (class_name: string, name: string, config: object = {}) => ({ class_name, config: { name, ...config } });

Deno.test("explainRefusal() names the innermost layer of a class that is not known", () => {
  const inner = layer("Wrapper", "w", { layer: layer("Mine", "own") });
  const topology = layer("Sequential", "outer", { layers: [layer("Dense", "Mine"), inner] });
  assert.equal(because(topology, unknown("layer", "Mine")), `the layer "own" has the class "Mine", ${KNOWN}`);
  const activation = layer("Sequential", "outer", { layers: [layer("Dense", "d", { activation: "hard_mish" })] });
  assert.equal(
    because(activation, unknown("activation", "hardMish")),
    `the layer "d" has the activation "hard_mish", ${KNOWN}`,
  );
});

Deno.test("explainRefusal() takes no name of a layer for a class, and no half a layer for one", () => {
  const named = layer("Dense", "Mine", {
    inbound_nodes: [["Mine", 0, 0]],
    input_layers: ["Mine"],
    output_layers: ["Mine"],
  });
  for (const topology of [named, { config: {} }]) {
    assert.equal(because(topology, unknown("layer", "Mine")), `a layer has the class "Mine", ${KNOWN}`);
  }
  for (
    const half of [{ class_name: "Mine" }, { class_name: "Mine", config: 7 }, {
      class_name: "Mine",
      config: { name: 7 },
    }]
  ) {
    const topology = layer("Sequential", "outer", { layers: [null, 7, half] });
    assert.equal(because(topology, unknown("layer", "Mine")), `the layer "outer" has the class "Mine", ${KNOWN}`);
  }
  assert.equal(
    because({ config: { class_name: 7, name: "x", activation: "mine" } }, unknown("activation", "mine")),
    `a layer has the activation "mine", ${KNOWN}`,
  );
});

Deno.test("explainRefusal() hands on what is worded already, and words the rest", () => {
  assert.equal(because({}, new BuildError("the layer is too big")), "the layer is too big");
  assert.match(because({}, new Error("Something else.")), /^TensorFlow\.js cannot make or run it: Something else/);
  assert.match(because({}, unknown("layer", "[object Object]")), /^TensorFlow\.js cannot make or run it: /);
  for (const cause of ["text", undefined, 7]) assert.equal(because({}, cause), explainFailure(cause));
  const damaged = new QuantizedLayerError("q", "its scale is 0");
  assert.match(because({}, damaged), new RegExp(`^the layer "${damaged.layer}" is damaged: ${damaged.fault}$`));
});

import assert from "node:assert/strict";
import { GraphBuilder } from "../src/onnx/writer.ts";
import { makeExplainer } from "./_why_float.ts";

Deno.test("makeExplainer() says of operators on pixels what they are for, and of none behind them", () => {
  const builder = new GraphBuilder();
  const pixels = builder.input("uint8", [1, 2, 2, 1], "pixels");
  const number = (value: number) => builder.constant("float32", [], [value]);
  const real = builder.node("Cast", [pixels], { to: 1 });
  const centred = builder.node("Sub", [real, number(127.5)]);
  const scaled = builder.node("Div", [centred, number(127.5)]);
  const squashed = builder.node("Tanh", [scaled]);
  const halved = builder.node("Div", [squashed, number(2)]);
  const graph = builder.build("net", [halved.name]);
  const explain = makeExplainer(graph, []);
  const said = new Map(graph.nodes.map((node) => [node.outputs[0], /pixels/.test(explain(node))]));
  assert.deepEqual([real, centred, scaled, squashed, halved].map(({ name }) => said.get(name)), [
    true,
    true,
    true,
    true,
    false,
  ]);
});

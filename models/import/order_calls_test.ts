/** References of a topology, one by one: what they may say, how they are numbered anew, and what is said of wrong ones. */
import assert from "node:assert/strict";
import { CallsError, orderCalls } from "./_calls.ts";

/** A layer of a topology as these tests write it. */
interface Part {
  readonly name: string;
  readonly class_name: string;
  readonly config: Record<string, unknown>;
  readonly inbound_nodes?: unknown;
}

const part = (
  name: string,
  inbound_nodes: unknown,
  class_name = "Dense",
  config: Record<string, unknown> = {},
): Part => ({
  name,
  class_name,
  config,
  inbound_nodes,
});
const INPUT = part("x", [], "InputLayer");

/** A functional model of "x" and these layers. */
function model(layers: readonly Part[], ports: Readonly<Record<string, unknown>> = {}) {
  return { class_name: "Model", config: { name: "m", layers: [INPUT, ...layers], ...ports } };
}

/** What calls read, and the ports, once they are in order. */
function ordered(layers: readonly Part[], ports: Readonly<Record<string, unknown>> = {}) {
  const { config } = orderCalls(model(layers, ports)) as ReturnType<typeof model>;
  const { layers: [, ...own], ...rest } = config;
  return { calls: own.map(({ inbound_nodes }) => inbound_nodes), ports: Object.entries(rest) };
}

function refuses(topology: ReturnType<typeof model>, message: string): void {
  assert.throws(() => orderCalls(topology), (error) => {
    assert.ok(error instanceof CallsError);
    assert.deepEqual([error.name, error.message], ["CallsError", message]);
    return true;
  });
}

/** Called on "late", which is made after it, and then on "x": in the order in which they are made, the other way round. */
const SHARED = part("shared", [[["late", 0, 0, {}]], [["x", 0, 0, { training: true }]]]);
const LATE = part("late", [[["x", 0, 0, {}]]]);

Deno.test("orderCalls() numbers ports anew, in a list or alone, and keeps arguments and what is no reference", () => {
  const calls = [[[["x", 0, 0, { training: true }]], [["late", 0, 0, {}]]], [[["x", 0, 0, {}]]]];
  const many = ordered([SHARED, LATE], {
    input_layers: [["x", 0, 0]],
    output_layers: [["shared", 0, 0], ["shared", 1, 0], ["late", 0, 0]],
  });
  assert.deepEqual(many.calls, calls);
  assert.deepEqual(many.ports, [
    ["name", "m"],
    ["input_layers", [["x", 0, 0]]],
    ["output_layers", [["shared", 1, 0], ["shared", 0, 0], ["late", 0, 0]]],
  ]);
  const { ports } = ordered([SHARED, LATE], { output_layers: ["shared", 1, 0] });
  assert.deepEqual(ports, [["name", "m"], ["output_layers", ["shared", 0, 0]]]);
  assert.deepEqual(ordered([SHARED, LATE]).ports, [["name", "m"]], "ports that were not there are not now");
});

Deno.test("orderCalls() counts the calls of a nested model from 1, for it has been called before", () => {
  const inner = { name: "m", layers: [{ class_name: "InputLayer", config: {} }] };
  const nested = (inbound: unknown) => part("nested", inbound, "Sequential", inner);
  const late = part("late", [[["x", 0, 0, {}]]]);
  const after = part("after", [[["nested", 1, 0, {}], ["nested", 2, 0, {}]]], "Add");
  const { calls } = ordered([nested([[["late", 0, 0, {}]], [["x", 0, 0, {}]]]), late, after]);
  assert.deepEqual(calls[0], [[["x", 0, 0, {}]], [["late", 0, 0, {}]]]);
  assert.deepEqual(calls[2], [[["nested", 2, 0, {}], ["nested", 1, 0, {}]]]);
  const third = part("after", [[["nested", 3, 0, {}]]]);
  refuses(
    model([nested([[["x", 0, 0, {}]], [["x", 0, 0, {}]]]), third]),
    'the layer "after" reads call 3 of "nested", which has 3, counted from 0',
  );
});

Deno.test("orderCalls() puts the calls of models within models in order, and leaves other layers as they are", () => {
  const nested = part("nested", [[["x", 0, 0, {}]]], "Model", { ...model([SHARED, LATE]).config, name: "nested" });
  const plain = part("plain", [[["nested", 1, 0, {}]]]);
  const { config } = orderCalls(model([nested, plain])) as ReturnType<typeof model>;
  const { layers } = config.layers[1].config as ReturnType<typeof model>["config"];
  assert.deepEqual(layers[1].inbound_nodes, [[["x", 0, 0, { training: true }]], [["late", 0, 0, {}]]]);
  assert.deepEqual(config.layers[2], plain);
});

Deno.test("orderCalls() moves calls that read calls that move", () => {
  // The second call of "b" reads what becomes the first of "a".
  const a = part("a", [[["late", 0, 0, {}]], [["x", 0, 0, {}]]]);
  const b = part("b", [[["a", 0, 0, {}]], [["a", 1, 0, {}]]]);
  const c = part("c", [[["b", 0, 0, {}], ["b", 1, 0, {}]]], "Add");
  assert.deepEqual(ordered([a, b, LATE, c]).calls, [
    [[["x", 0, 0, {}]], [["late", 0, 0, {}]]],
    [[["a", 0, 0, {}]], [["a", 1, 0, {}]]],
    [[["x", 0, 0, {}]]],
    [[["b", 1, 0, {}], ["b", 0, 0, {}]]],
  ]);
});

Deno.test("orderCalls() knows how many values a call gives, where TF.js is not alone to know", () => {
  const reading = (value: number, source: Part) => model([source, part("after", [[[source.name, 0, value, {}]]])]);
  const of = (name: string, config: Record<string, unknown> = {}) => part("s", [[["x", 0, 0, {}]]], name, config);
  for (const name of ["RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM2D", "Bidirectional", "SomebodysOwn", "toString"]) {
    const topology = reading(9, of(name));
    assert.equal(orderCalls(topology), topology, name);
  }
  for (const name of ["Dense", "Conv2D", "ReLU", "Concatenate"]) {
    assert.equal(orderCalls(reading(0, of(name))).class_name, "Model");
    refuses(reading(1, of(name)), 'the layer "after" reads value 1 of "s", which gives 1, counted from 0');
  }
  const two = { output_layers: [["a", 0, 0], ["b", 0, 0]] };
  assert.equal(orderCalls(reading(1, of("Model", two))).class_name, "Model");
  refuses(reading(2, of("Model", two)), 'the layer "after" reads value 2 of "s", which gives 2, counted from 0');
  const one = { output_layers: ["a", 0, 0] };
  refuses(reading(1, of("Model", one)), 'the layer "after" reads value 1 of "s", which gives 1, counted from 0');
});

Deno.test("orderCalls() takes references without arguments, or with none", () => {
  for (const end of [[], [null], [{}]]) {
    const topology = model([part("a", [[["x", 0, 0, ...end]]])]);
    assert.equal(orderCalls(topology), topology);
  }
});

Deno.test("orderCalls() leaves alone what is no functional model", () => {
  const chain = { class_name: "Sequential", config: { layers: [{ class_name: "Dense", config: {} }] } };
  for (const topology of [chain, { class_name: "Dense" }, { config: 7 }, { config: {} }, { config: { layers: {} } }]) {
    assert.equal(orderCalls(topology), topology);
  }
});

Deno.test("orderCalls() names a layer without calls beside others that have them, and one without a name", () => {
  const { inbound_nodes: _, ...bare } = part("bare", []);
  refuses(model([bare]), 'the layer "bare" has no list "inbound_nodes", one is needed, as other layers have it');
  const nameless = { ...part("a", [[["x", 0, 0]]]), name: 7 };
  const { class_name, config } = model([]);
  assert.throws(() => orderCalls({ class_name, config: { ...config, layers: [INPUT, nameless] } }), {
    name: "CallsError",
    message: "a layer has the name 7, a text is needed",
  });
});

Deno.test("orderCalls() names three layers at the most that wait for each other", () => {
  const ring = ["a", "b", "c", "d"].map((name, i, names) => part(name, [[[names[(i + 1) % 4], 0, 0]]]));
  refuses(model(ring), 'its layers "a", "b", "c" wait for each other, a model without cycles is needed');
});

Deno.test("orderCalls() tells inputs from outputs, and a port that is not there from one that is there twice", () => {
  const layers = [part("a", [[["x", 0, 0]]])];
  const form = 'a list of ["layer", call, value, {}] is needed';
  refuses(model(layers, { input_layers: 7 }), `"input_layers" is 7, ${form}`);
  refuses(model(layers, { output_layers: [] }), '"output_layers" is empty, a model needs at least one output');
  refuses(model(layers, { output_layers: [7] }), `"output_layers" has 7, ${form}`);
  refuses(model(layers, { input_layers: [["y", 0, 0]] }), 'its input is "y", a layer of the model is needed');
  refuses(model(layers, { output_layers: [["x", 1, 0]] }), 'its output is call 1 of "x", which has 1, counted from 0');
  refuses(
    model(layers, { input_layers: [["x", 0, 0], ["a", 0, 0], ["x", 0, 0, {}]] }),
    '"input_layers" has "x" twice, once is needed',
  );
  refuses(
    model([...layers, part("abcdef", [[["x", 0, 0]]]), part("b", [[["abcdeg", 0, 0]]])]),
    'the layer "b" reads "abcdeg", a layer of the model is needed (did you mean "abcdef"?)',
  );
});

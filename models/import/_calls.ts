/**
 * The calls of a layers-model's topology: whether each reads what is there, and in which order TF.js makes them.
 *
 * tfjs-layers 4.22 goes round the layers, makes the calls whose inputs are made by then, and numbers the calls of a layer
 * in the order in which it makes them, while references number them as `inbound_nodes` lists them. Where a layer's second
 * call can be made before its first, each is taken for the other, without a word; where a call can never be made, TF.js
 * goes round for ever. So calls are listed here in the order in which they will be made.
 *
 * Source: tfjs-layers 4.22, engine/container.ts, `fromConfig`.
 */
import { LAYER_ROWS } from "../../src/layers/mod.ts";
import { nearestName } from "../../src/text/nearest.ts";
import { showValue } from "../../src/text/plain.ts";
import { isObject, type JsonObject } from "./_model_json.ts";

/** What a call reads: a layer's name, which of its calls, which of that call's outputs, and arguments. */
type Reference = readonly [string, number, number, ...unknown[]];

/** A layer, as far as its calls go. */
interface Layer {
  /** What references call it. */
  readonly name: string;
  /** What its configuration calls it: the same, in files that are in order. */
  readonly ownName: string;
  /** What each call reads. */
  readonly calls: readonly (readonly Reference[])[];
  /** What references to the first call have for its number: a nested model and an input have been called before. */
  readonly offset: number;
  /** How many values a call gives; infinite where only TF.js can tell. */
  readonly values: number;
}

/** Layers whose calls give their states too where they are asked to, or two values, forward and backward. */
const MAY_GIVE_MORE = ["RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM2D", "Bidirectional"];

/** Says what is wrong with the calls of a topology, as the rest of a sentence. */
export class CallsError extends Error {
  override readonly name: string = "CallsError";
}

/**
 * Lists the calls of shared layers in the order in which TF.js makes them, nested models included.
 *
 * @param topology A Keras configuration, `{class_name, config}`. It is returned as it is where nothing is to be changed.
 * @throws {CallsError} If a call reads a layer or a call that is not there, or calls wait for each other.
 */
export function orderCalls(topology: JsonObject): JsonObject {
  const { config } = topology;
  if (!isObject(config) || !Array.isArray(config.layers)) return topology;
  const layers: readonly unknown[] = config.layers;
  const inner = layers.map((layer) => isObject(layer) ? orderCalls(layer) : layer);
  const changed = inner.some((layer, i) => layer !== layers[i]) ? { ...config, layers: inner } : config;
  const ordered = isFunctional(changed) ? orderOwn(changed) : changed;
  return ordered === config ? topology : { ...topology, config: ordered };
}

/** Whether the configuration is a functional model's: the layers of a Sequential need no references. */
function isFunctional({ layers }: JsonObject): boolean {
  const named: readonly unknown[] = Array.isArray(layers) ? layers : [];
  const listed = named.filter((layer) => isObject(layer) && Array.isArray(layer.inbound_nodes));
  const [odd] = named.filter((layer) => !listed.includes(layer));
  if (listed.length === 0 || odd === undefined) return listed.length > 0;
  const name = isObject(odd) ? odd.name : undefined;
  throw new CallsError(`the layer "${name}" has no list "inbound_nodes", one is needed, as other layers have it`);
}

function orderOwn(config: JsonObject): JsonObject {
  let current = config;
  // Calls that come first may let others come earlier; each round puts one more call of some layer in its place.
  for (let round = 0;; round++) {
    const layers = readLayers(current);
    checkReferences(layers);
    checkPorts(current, layers);
    const orders = makingOrders(layers);
    if ([...orders.values()].every((order) => order.every((call, i) => call === i))) return current;
    if (round > layers.length) throw new CallsError("the calls of its shared layers cannot be put into one order");
    current = renumber(current, { orders, layers });
  }
}

/** Reads the layers and their calls. */
function readLayers({ layers }: JsonObject): readonly Layer[] {
  return (layers as readonly JsonObject[]).map((layer): Layer => {
    const { name } = layer;
    if (typeof name !== "string") throw new CallsError(`a layer has the name ${showValue(name)}, a text is needed`);
    const calls = (layer.inbound_nodes as readonly unknown[]).map((call) => readCall(call, name));
    const config = isObject(layer.config) ? layer.config : {};
    const isModel = Array.isArray(config.layers);
    const ownName = typeof config.name === "string" ? config.name : name;
    const offset = isModel || layer.class_name === "InputLayer" ? 1 : 0;
    return { name, ownName, calls, offset, values: valuesOf(layer) };
  });
}

function valuesOf({ class_name: className, config }: JsonObject): number {
  const ports = isObject(config) ? config.output_layers : undefined;
  if (Array.isArray(ports)) return isReference(ports) ? 1 : ports.length;
  const isTfLayer = typeof className === "string" && Object.hasOwn(LAYER_ROWS, className);
  return isTfLayer && !MAY_GIVE_MORE.includes(className) ? 1 : Infinity;
}

function readCall(call: unknown, name: string): readonly Reference[] {
  if (Array.isArray(call) && call.every(isReference)) return call;
  // TF.js goes round for ever where it cannot tell what a call reads.
  throw new CallsError(`the layer "${name}" has the call ${showValue(call)}, ${FORM} is needed`);
}

/** How Keras 2 writes what a call reads; version 3 has another form. */
const FORM = 'a list of ["layer", call, value, {}]';

function isReference(value: unknown): value is Reference {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number" &&
    typeof value[2] === "number" && (value[3] == null || isObject(value[3]));
}

function checkReferences(layers: readonly Layer[]): void {
  for (const names of [layers.map(({ name }) => name), layers.map(({ ownName }) => ownName)]) {
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) {
      throw new CallsError(`two of its layers are called "${twice}", names of their own are needed`);
    }
  }
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const { name, calls } of layers) {
    if (calls.some(({ length }) => length === 0)) {
      throw new CallsError(`the layer "${name}" has a call that reads nothing, a value is needed`);
    }
    for (const reference of calls.flat()) checkReference(byName, `the layer "${name}" reads`, reference);
  }
}

/** Checks which values are the model's inputs and outputs. */
function checkPorts(config: JsonObject, layers: readonly Layer[]): void {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const [key, what] of [["input_layers", "input"], ["output_layers", "output"]] as const) {
    const ports = config[key];
    if (ports === undefined) continue;
    if (!Array.isArray(ports)) throw new CallsError(`"${key}" is ${showValue(ports)}, ${FORM} is needed`);
    if (ports.length === 0) throw new CallsError(`"${key}" is empty, a model needs at least one ${what}`);
    const seen = new Set<string>();
    // Newer Keras writes an only port without the list around it.
    const list: readonly unknown[] = isReference(ports) ? [ports] : ports;
    for (const port of list) {
      if (!isReference(port)) throw new CallsError(`"${key}" has ${showValue(port)}, ${FORM} is needed`);
      checkReference(byName, `its ${what} is`, port);
      const place = port.slice(0, 3).join();
      if (seen.has(place)) throw new CallsError(`"${key}" has "${port[0]}" twice, once is needed`);
      seen.add(place);
    }
  }
}

function checkReference(layers: ReadonlyMap<string, Layer>, who: string, [source, call, index]: Reference): void {
  const layer = layers.get(source);
  if (layer === undefined) {
    const meant = nearestName(source, [...layers.keys()]);
    const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
    throw new CallsError(`${who} "${source}", a layer of the model is needed${hint}`);
  }
  const count = layer.calls.length + layer.offset;
  if (!isIndex(call, count)) {
    throw new CallsError(`${who} call ${call} of "${source}", which has ${count}, counted from 0`);
  }
  if (!isIndex(index, layer.values)) {
    throw new CallsError(`${who} value ${index} of "${source}", which gives ${layer.values}, counted from 0`);
  }
}

function isIndex(value: number, count: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < count;
}

/** Lists, by the layer, its calls in the order in which TF.js makes them. */
function makingOrders(layers: readonly Layer[]): ReadonlyMap<string, readonly number[]> {
  const offsets = new Map(layers.map(({ name, offset }) => [name, offset]));
  const orders = new Map(layers.map(({ name }): [string, number[]] => [name, []]));
  const isMade = ([name, call]: Reference) => {
    const own = call - offsets.get(name)!;
    return own < 0 || orders.get(name)!.includes(own);
  };
  let waiting = layers;
  while (waiting.length > 0) {
    const before = countMade(orders);
    for (const { name, calls } of waiting) {
      const order = orders.get(name)!;
      calls.forEach((call, i) => {
        if (!order.includes(i) && call.every(isMade)) order.push(i);
      });
    }
    waiting = waiting.filter(({ name, calls }) => orders.get(name)!.length < calls.length);
    if (waiting.length > 0 && countMade(orders) === before) {
      const names = waiting.slice(0, 3).map(({ name }) => `"${name}"`).join(", ");
      throw new CallsError(`its layers ${names} wait for each other, a model without cycles is needed`);
    }
  }
  return orders;
}

function countMade(orders: ReadonlyMap<string, readonly number[]>): number {
  return [...orders.values()].reduce((sum, { length }) => sum + length, 0);
}

interface Renumbering {
  readonly orders: ReadonlyMap<string, readonly number[]>;
  readonly layers: readonly Layer[];
}

/** Lists calls in the orders given, and numbers references anew. */
function renumber(config: JsonObject, { orders, layers }: Renumbering): JsonObject {
  const offsets = new Map(layers.map(({ name, offset }) => [name, offset]));
  const moved = (value: unknown): unknown => {
    if (!isReference(value)) return value;
    const [name, call, ...rest] = value;
    const offset = offsets.get(name) ?? 0;
    const place = orders.get(name)?.indexOf(call - offset) ?? -1;
    return place < 0 ? value : [name, place + offset, ...rest];
  };
  const listed = (value: unknown) => Array.isArray(value) && !isReference(value) ? value.map(moved) : moved(value);
  return {
    ...config,
    layers: (config.layers as readonly JsonObject[]).map((layer, i) => ({
      ...layer,
      inbound_nodes: orders.get(layers[i].name)!.map((call) => layers[i].calls[call].map(moved)),
    })),
    ...("input_layers" in config ? { input_layers: listed(config.input_layers) } : {}),
    ...("output_layers" in config ? { output_layers: listed(config.output_layers) } : {}),
  };
}

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
import { nearestName } from "../../src/text/nearest.ts";
import { isObject, type JsonObject } from "./_model_json.ts";

/** What a call reads: a layer's name, which of its calls, which of that call's outputs, and arguments. */
type Reference = readonly [string, number, number, ...unknown[]];

/** A layer, as far as its calls go. */
interface Layer {
  readonly name: string;
  /** What each call reads. */
  readonly calls: readonly (readonly Reference[])[];
  /** What references to the first call have for its number: a nested model and an input have been called before. */
  readonly offset: number;
}

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
  return Array.isArray(layers) && layers.length > 0 &&
    layers.every((layer) => isObject(layer) && typeof layer.name === "string" && Array.isArray(layer.inbound_nodes));
}

function orderOwn(config: JsonObject): JsonObject {
  let current = config;
  // Calls that come first may let others come earlier; each round puts one more call of some layer in its place.
  for (let round = 0;; round++) {
    const layers = readLayers(current);
    if (layers === undefined) return current;
    checkReferences(layers);
    const orders = makingOrders(layers);
    if ([...orders.values()].every((order) => order.every((call, i) => call === i))) return current;
    if (round > layers.length) throw new CallsError("the calls of its shared layers cannot be put into one order");
    current = renumber(current, { orders, layers });
  }
}

/** Reads the layers and their calls; undefined if calls are written in another form, which TF.js refuses by itself. */
function readLayers({ layers }: JsonObject): readonly Layer[] | undefined {
  const read = (layers as readonly JsonObject[]).map((layer): Layer | undefined => {
    const calls = (layer.inbound_nodes as readonly unknown[]).map(readCall);
    if (!calls.every((call) => call !== undefined)) return undefined;
    const isModel = isObject(layer.config) && Array.isArray(layer.config.layers);
    return { name: String(layer.name), calls, offset: isModel || layer.class_name === "InputLayer" ? 1 : 0 };
  });
  return read.every((layer) => layer !== undefined) ? read : undefined;
}

function readCall(call: unknown): readonly Reference[] | undefined {
  return Array.isArray(call) && call.every(isReference) ? call : undefined;
}

function isReference(value: unknown): value is Reference {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number";
}

function checkReferences(layers: readonly Layer[]): void {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const { name, calls } of layers) {
    for (const [source, call] of calls.flat()) {
      const layer = byName.get(source);
      if (layer === undefined) {
        const meant = nearestName(source, [...byName.keys()]);
        const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
        throw new CallsError(`the layer "${name}" reads "${source}", a layer of the model is needed${hint}`);
      }
      const count = layer.calls.length + layer.offset;
      if (Number.isInteger(call) && call >= 0 && call < count) continue;
      throw new CallsError(`the layer "${name}" reads call ${call} of "${source}", which has ${count}, counted from 0`);
    }
  }
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

/** Builds the graph of layers that an ONNX graph becomes, and moves axes where they have to be moved. */
import {
  constantNode,
  type LayerConfig,
  type LayerGraph,
  type LayerNode,
  type LayerWeight,
  ownCall,
} from "../../../src/rewrite/mod.ts";
import { isAlike, plainOrder, storedShape, type Value } from "./_value.ts";

/** A layer's weight, its elements real numbers. */
export interface RealWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What is made of a layer. */
export interface LayerCall {
  readonly className: string;
  readonly config?: LayerConfig;
  readonly inbound: readonly string[];
  readonly weights?: readonly RealWeight[];
  readonly outputs?: number;
}

/** Collects layers. */
export class LayerBuilder {
  readonly #nodes: LayerNode[] = [];
  readonly #names = new Set<string>();
  readonly #moved = new Map<string, string>();
  /** What values were before a reshape. */
  readonly #unshaped = new Map<string, { readonly value: string; readonly shape: readonly number[] | undefined }>();
  /** Names that only outputs have. */
  readonly #reserved: Set<string>;
  /** Names that values got as outputs. */
  readonly #renamed = new Map<string, string>();
  /** The layers that each node made or changed. */
  readonly #made = new Map<string, Set<string>>();
  /** The name of the node that is imported: layers are named after it. */
  base = "";

  /** @param outputs Names that other layers do not take. */
  constructor(outputs: readonly string[] = []) {
    this.#reserved = new Set(outputs.map(layerName));
  }

  /**
   * Adds an input of a stored shape, without the batch, and returns its name and that of its value.
   *
   * TF.js feeds no layers-model with one number a sample that is in no list: such an input is a list of one.
   */
  input(name: string, shape: readonly number[]): { readonly made: string; readonly read: string } {
    this.#reserved.delete(layerName(name));
    const unique = this.#fresh(name);
    const sides = shape.length === 0 ? [1] : shape;
    const config = { batchInputShape: [null, ...sides], dtype: "float32", sparse: false };
    this.#nodes.push(ownCall({ name: unique, className: "InputLayer", config, inbound: [] }));
    if (shape.length > 0) return { made: unique, read: unique };
    this.base = unique;
    return { made: unique, read: this.reshape(unique, shape, sides) };
  }

  /** Adds a layer, named after the node that is imported, and returns the name of its first value. */
  layer({ className, config = {}, inbound, weights = [], outputs = 1 }: LayerCall, suffix = ""): string {
    const name = this.#fresh(`${this.base}${suffix}`);
    const own = weights.map((weight): LayerWeight => ({ ...weight, dtype: "float32" }));
    this.#nodes.push(ownCall({ name, className, config, inbound, weights: own, outputs }));
    this.#note(name);
    return name;
  }

  /** Adds a constant of a stored shape, without the batch. */
  constant(shape: readonly number[], data: Float32Array): string {
    const name = this.#fresh(`${this.base}_constant`);
    this.#nodes.push(constantNode(name, { shape, data }));
    this.#note(name);
    return name;
  }

  /** Returns the name of `value` stored in `order`; its axes are moved if they are stored otherwise. */
  stored(value: Value, order: readonly number[] = plainOrder(value.shape.length)): string {
    if (value.order.join() === order.join()) return value.read();
    const key = `${value.read()} ${value.order} ${order}`;
    const known = this.#moved.get(key);
    if (known !== undefined) return known;
    const name = isAlike(value.shape, value.order, order)
      ? this.reshape(value.read(), order.map((axis) => value.shape[axis]), storedShape(value))
      : this.layer({
        className: "Permute",
        config: { dims: order.map((axis) => value.order.indexOf(axis) + 1) },
        inbound: [value.read()],
      }, "_permuted");
    this.#moved.set(key, name);
    return name;
  }

  /** Gives a value another stored shape; `from` is the one that it has, if it is known. */
  reshape(value: string, shape: readonly number[], from?: readonly number[]): string {
    if (shape.join() === from?.join()) return value;
    const before = this.#unshaped.get(value);
    if (before !== undefined) return this.reshape(before.value, shape, before.shape);
    const key = `${value} reshaped ${shape}`;
    const known = this.#moved.get(key);
    if (known !== undefined) return known;
    const config = { targetShape: [...shape] };
    const name = this.layer({ className: "Reshape", config, inbound: [value] }, "_reshaped");
    this.#moved.set(key, name);
    this.#unshaped.set(name, { value, shape: from });
    return name;
  }

  /** Returns the layer that gives `value`. */
  nodeOf(value: string): LayerNode | undefined {
    return this.#nodes.find(({ name }) => name === value);
  }

  /** Puts another node in the place of one of its name. */
  replace(node: LayerNode): void {
    this.#nodes[this.#nodes.findIndex(({ name }) => name === node.name)] = node;
    this.#note(node.name);
  }

  /** Returns the name that a value has by now. */
  nameNow(value: string): string {
    return this.#renamed.get(value) ?? value;
  }

  /** Lists the layers that the node called `base` made or changed. */
  madeBy(base: string): readonly string[] {
    return [...this.#made.get(base) ?? []];
  }

  /**
   * Gives the layer that gives `value` the name of an output.
   *
   * @returns The value's new name.
   */
  nameOutput(value: string, wanted: string): string {
    const node = this.nodeOf(value);
    this.#reserved.delete(layerName(wanted));
    // One of several values of a layer is called as that is.
    if (node === undefined || node.outputs > 1) {
      this.base = wanted;
      return this.layer({ className: "Activation", config: { activation: "linear" }, inbound: [value] });
    }
    this.#names.delete(value);
    const name = this.#fresh(wanted);
    this.#nodes.forEach((other, i) => {
      const inbound = other.inbound.map((read) => read === value ? name : read);
      const own = other === node
        ? { name, layer: { ...other.layer, name, config: { ...other.layer.config, name } } }
        : {};
      this.#nodes[i] = { ...other, inbound, ...own };
    });
    for (const made of this.#made.values()) if (made.delete(value)) made.add(name);
    this.#renamed.set(value, name);
    return name;
  }

  /** Returns the graph, without layers that nobody reads. */
  build(name: string, { inputs, outputs }: Pick<LayerGraph, "inputs" | "outputs">): LayerGraph {
    const needed = new Set([...inputs, ...outputs].map((value) => value.split(":")[0]));
    const nodes: LayerNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!needed.has(node.name)) continue;
      nodes.unshift(node);
      node.inbound.forEach((value) => needed.add(value.split(":")[0]));
    }
    return { name, nodes, inputs, outputs };
  }

  #note(layer: string): void {
    const made = this.#made.get(this.base) ?? new Set();
    this.#made.set(this.base, made.add(layer));
  }

  #fresh(wanted: string): string {
    const base = layerName(wanted);
    let name = base;
    for (let i = 1; this.#names.has(name) || this.#reserved.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }
}

/** Names of layers hold neither colons nor slashes. */
function layerName(wanted: string): string {
  return wanted.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^_+/, "") || "layer";
}

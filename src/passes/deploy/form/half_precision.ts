/** Computes a graph in half precision, but for what needs float32's range, with as few casts between as there can be. */
import { codeOf } from "../../../numbers/dtype.ts";
import { toHalf } from "../../../numbers/half.ts";
import { type Graph, type Node, typeOf } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../../pass.ts";
import { describeLosses, keptInFloat, staysFloat, whyBeyond } from "./_half_plan.ts";
import { finiteElements } from "./_weights.ts";

/** Element type of a graph's real inputs and outputs. */
export type Ports = "float32" | "float16";

/** Makes half precision of a graph. Inputs and outputs are what `ports` says. */
export function halfPrecision(ports: Ports): Pass {
  return definePass({ name: "halfPrecision", rewrite: (graph, decline) => rewrite(graph, ports, decline) });
}

function rewrite(graph: Graph, ports: Ports, decline: Decline): Graph {
  const index = indexOf(graph);
  const kept = keptInFloat(graph);
  const values = new Values(graph, ports);
  for (const node of graph.nodes) {
    const because = kept.has(node) ? [whyBeyond(node, index)] : lossesIn(node, index);
    for (const loss of because) if (loss !== undefined) decline(node, loss);
    values.push(node, kept.has(node) ? "float32" : "float16");
  }
  return removeDeadNodes(values.finish());
}

function lossesIn({ inputs }: Node, { constant }: Index): readonly (string | undefined)[] {
  const real = inputs.map((name) => constant(name)).filter((tensor) => tensor?.dtype === "float32");
  return real.map((tensor) => tensor && describeLosses(tensor));
}

type Real = "float32" | "float16";

/** The graph being written, and the names of its values in both precisions. */
class Values {
  readonly #out: GraphWriter;
  /** Names of values by precision, as far as they are there. */
  readonly #names = new Map<string, Map<Real, string>>();

  constructor(readonly graph: Graph, readonly ports: Ports) {
    this.#out = new GraphWriter(graph);
    for (const name of graph.inputs) if (this.#isReal(name)) this.#define(name, { as: ports, called: name });
  }

  #isReal(name: string): boolean {
    return name !== "" && typeOf(this.graph, name).dtype === "float32";
  }

  #define(name: string, { as, called }: { readonly as: Real; readonly called: string }): void {
    this.#names.set(name, new Map([[as, called]]));
    this.#out.types.set(called, { ...typeOf(this.graph, name), dtype: as });
  }

  /** Appends `node` computing in `real`. */
  push(node: Node, real: Real): void {
    const inputs = node.inputs.map((name, at) =>
      this.#isReal(name) ? this.#read(name, staysFloat(node, at) ? "float32" : real, node) : name
    );
    const outputs = node.outputs.map((name) => this.#isReal(name) ? this.#write(name, real) : name);
    const casts = node.op === "Cast" && this.#isReal(node.outputs[0]);
    const attrs = casts ? { ...node.attrs, to: codeOf(real) } : node.attrs;
    this.#out.push({ ...node, inputs, outputs, attrs });
    for (const name of node.outputs) if (this.graph.outputs.includes(name)) this.#emitPort(name, node);
  }

  /** Names what a node writes: an output of the graph keeps its name in the precision of the ports. */
  #write(name: string, real: Real): string {
    const called = this.graph.outputs.includes(name) && real !== this.ports ? this.#out.fresh(`${name}_${real}`) : name;
    this.#define(name, { as: real, called });
    return called;
  }

  #emitPort(name: string, like: Node): void {
    if (this.#isReal(name) && this.#names.get(name)?.has(this.ports) !== true) this.#read(name, this.ports, like, name);
  }

  /** Returns the name of a value in `real`, with a cast or a constant where it is not there yet. */
  #read(name: string, real: Real, like: Node, output?: string): string {
    const names = this.#names.get(name) ?? new Map<Real, string>();
    this.#names.set(name, names);
    const known = names.get(real);
    if (known !== undefined) return known;
    const made = this.#make(name, { real, like, output, names });
    names.set(real, made);
    return made;
  }

  #make(name: string, { real, like, output, names }: {
    readonly real: Real;
    readonly like: Node;
    readonly output: string | undefined;
    readonly names: ReadonlyMap<Real, string>;
  }): string {
    const constant = this.graph.initializers.get(name);
    if (constant !== undefined) {
      if (real === "float32") return name;
      return this.#out.constant(`${name}_half`, real, constant.shape, toHalf(finiteElements(name, constant)));
    }
    const [other] = names.values();
    return this.#out.emit("Cast", [other], {
      attrs: { to: codeOf(real) },
      like,
      ...(output === undefined ? {} : { output }),
    });
  }

  finish(): Graph {
    return this.#out.finish();
  }
}

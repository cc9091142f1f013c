/** Small graph-models, written as tfjs-converter writes them. */
import { Random } from "../../../src/numbers/random.ts";

type Attr = Readonly<Record<string, unknown>>;

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly values: readonly number[];
}

const FLOAT: Attr = { T: { type: "DT_FLOAT" } };

/** Writes a graph node by node. */
export class GraphWriter {
  readonly nodes: object[] = [];
  readonly weights: Weight[] = [];
  readonly #random = new Random(5);

  /** Adds an input of a shape; null and -1 are open. */
  input(name: string, shape: readonly number[]): string {
    const dim = shape.map((size) => ({ size: String(size) }));
    return this.add("Placeholder", name, [], { dtype: { type: "DT_FLOAT" }, shape: { shape: { dim } } });
  }

  /** Adds a node and returns its name. */
  add(op: string, name: string, input: readonly string[], attr: Attr = FLOAT): string {
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  /** Adds real numbers, random where none are given. */
  real(name: string, shape: readonly number[], values?: readonly number[]): string {
    const size = shape.reduce((product, side) => product * side, 1);
    return this.#constant({
      name,
      shape,
      dtype: "float32",
      values: values ?? Array.from({ length: size }, () => this.#random.between(-1, 1)),
    });
  }

  /** Adds whole numbers in a list. */
  whole(name: string, ...values: readonly number[]): string {
    return this.#constant({ name, shape: [values.length], dtype: "int32", values });
  }

  /** Adds whole numbers of a shape. */
  table(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.#constant({ name, shape, dtype: "int32", values });
  }

  /** Adds a whole number. */
  scalar(name: string, value: number): string {
    return this.#constant({ name, shape: [], dtype: "int32", values: [value] });
  }

  #constant(weight: Weight): string {
    this.weights.push(weight);
    const type = weight.dtype === "float32" ? "DT_FLOAT" : "DT_INT32";
    return this.add("Const", weight.name, [], { dtype: { type }, value: { tensor: { dtype: type, tensorShape: {} } } });
  }

  /** Writes model.json and its weights into a folder. */
  save(dir: string, more: Readonly<Record<string, unknown>> = {}): void {
    const bytes = this.weights.map(({ dtype, values }) =>
      new Uint8Array((dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values)).buffer)
    );
    Deno.mkdirSync(dir, { recursive: true });
    Deno.writeFileSync(`${dir}/weights.bin`, new Uint8Array(bytes.flatMap((each) => [...each])));
    const weights = this.weights.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
    const json = {
      format: "graph-model",
      modelTopology: { node: this.nodes, versions: {} },
      weightsManifest: [{ paths: ["weights.bin"], weights }],
      ...more,
    };
    Deno.writeTextFileSync(`${dir}/model.json`, JSON.stringify(json));
  }
}

/** Attributes of a convolution. */
export const CONV: Attr = {
  ...FLOAT,
  strides: { list: { i: ["1", "2", "2", "1"] } },
  dilations: { list: { i: ["1", "1", "1", "1"] } },
  padding: { s: btoa("SAME") },
  data_format: { s: btoa("NHWC") },
};

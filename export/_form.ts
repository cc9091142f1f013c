/** The forms of files that are made of a float model, as `toOnnx` is asked for them. */
import { faultOfBlockSize } from "../src/numbers/blocks.ts";
import { type CodeRange, INT8_SYMMETRIC_PER_CHANNEL, type QuantScheme } from "../src/numbers/scheme.ts";
import type { Graph } from "../src/onnx/graph.ts";
import type { FloatForm, Ports } from "../src/passes/deploy/mod.ts";
import type { Declined } from "../src/passes/pass.ts";
import { checkChoice } from "../src/text/nearest.ts";

/**
 * Precisions of a file.
 *
 * "int8": activations and weights, as trained or calibrated. "dynamic": the same of products and LSTMs alone, with ranges
 * found as the file runs. "weights8" and "weights4": weights alone. "float16": half precision where its range is enough.
 */
export const PRECISIONS = ["int8", "float32", "dynamic", "weights8", "weights4", "float16"] as const;

/** A precision of a file. */
export type Precision = (typeof PRECISIONS)[number];

/** What a form is made with. */
export interface FormOptions {
  /**
   * Rows of a dense layer's weights that share a scale, a power of 2 from 16 to 256. "weights4": 32 if absent. "weights8":
   * one scale a channel if absent.
   */
  readonly block?: number;
  /** Whether 0 is the middle code of every block, which every runtime can do. Default true. */
  readonly symmetric?: boolean;
  /**
   * What the CPU multiplies weights in blocks with. "float32": as it is, the default of "weights4". "int8": rounded block by
   * block as it runs, about 3 times as fast, the default of "weights8" in blocks, for which x86 has nothing else that is fast.
   */
  readonly products?: "float32" | "int8";
  /** What of a "float16" file is in half precision: what is computed (default), or the weights alone. */
  readonly half?: "graph" | "weights";
  /** Element type of a "float16" file's real inputs and outputs. Default "float32"; "float16" if all is computed so. */
  readonly ports?: Ports;
}

/** Rows of a block of 4 bits, if nothing else is said: what ONNX Runtime's own tools take. */
const BLOCK = 32;

/** Returns codes of int8 around 0, as many on either side as `scheme` has room for: what dynamic weights are rounded to. */
export function aroundZero({ qmin, qmax }: CodeRange): QuantScheme {
  const most = Math.min(Math.floor((qmax - qmin) / 2), INT8_SYMMETRIC_PER_CHANNEL.qmax);
  return { ...INT8_SYMMETRIC_PER_CHANNEL, qmin: -most, qmax: most };
}

/**
 * Returns the form that `precision` means; undefined for "int8" and "float32", which are none.
 *
 * @param options `weights` is the scheme of weights that are multiplied on integers.
 * @throws {RangeError} If there is no such precision, or it does not go with the options.
 */
export function formOf(
  precision: Precision,
  options: FormOptions & { readonly weights?: QuantScheme },
): FloatForm | undefined {
  checkChoice(precision, { of: PRECISIONS, cannot: `Cannot export precision "${precision}"` });
  checkOptions(precision, options);
  const { block, symmetric = true, weights, half = "graph", ports = "float32", products } = options;
  const eightBits = (size: number) => ({ bits: 8, size, symmetric, products: products ?? "int8" }) as const;
  switch (precision) {
    case "int8":
    case "float32":
      return undefined;
    case "dynamic":
      return { kind: "dynamic", ...(weights === undefined ? {} : { weights }) };
    case "weights8":
      return { kind: "weights", ...(block === undefined ? {} : { blocks: eightBits(block) }) };
    case "weights4":
      return { kind: "weights", blocks: { bits: 4, size: block ?? BLOCK, symmetric, products: products ?? "float32" } };
    case "float16":
      return half === "graph" ? { kind: "float16", of: "graph", ports } : { kind: "float16", of: "weights" };
  }
}

/** @throws {RangeError} If an option has no such value, or says something of what the precision does not have. */
function checkOptions(precision: Precision, options: FormOptions): void {
  const { block, half, ports, products } = options;
  const choices = { half: ["graph", "weights"], ports: ["float32", "float16"], products: ["float32", "int8"] } as const;
  for (const [name, of] of Object.entries(choices)) {
    const value = { half, ports, products }[name];
    if (value !== undefined) checkChoice<string>(value, { of, cannot: `Cannot export with "${name}": "${value}"` });
  }
  const fault = block === undefined ? undefined : faultOfBlockSize(block);
  if (fault !== undefined) throw new RangeError(`Cannot export with "block": ${fault}`);
  const hasBlocks = precision === "weights4" || precision === "weights8" && block !== undefined;
  const ofBlocks = (["block", "symmetric", "products"] as const).find((name) => options[name] !== undefined);
  if (ofBlocks !== undefined && !hasBlocks) {
    throw new RangeError(
      `Cannot export ${precision} with "${ofBlocks}": it has no blocks, as "weights4" and "weights8" with "block" have`,
    );
  }
  const ofHalf = (["half", "ports"] as const).find((name) => options[name] !== undefined);
  if (ofHalf !== undefined && precision !== "float16") {
    throw new RangeError(`Cannot export ${precision} with "${ofHalf}": "float16" takes it`);
  }
  if (ports === "float16" && half === "weights") {
    throw new RangeError("Cannot export weights of float16 with ports of float16: they compute in float32");
  }
}

interface Sign {
  /** Whether the form found something to do. */
  readonly isIn: (graph: Graph) => boolean;
  /** What a model needs for that. */
  readonly needed: string;
}

const hasAny = (...ops: readonly string[]) => ({ nodes }: Graph) => nodes.some(({ op }) => ops.includes(op));

const SIGNS: Readonly<Record<FloatForm["kind"], Sign>> = {
  dynamic: {
    isIn: hasAny("DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DequantizeLinear"),
    needed: "a dense layer, an LSTM or an embedding",
  },
  weights: { isIn: hasAny("DequantizeLinear", "MatMulNBits"), needed: "a layer of enough constant weights" },
  float16: {
    isIn: ({ types, initializers }) =>
      [...types.values(), ...initializers.values()].some(({ dtype }) => dtype === "float16"),
    needed: "a layer that half precision is enough for",
  },
};

/** What was made of a graph by a form. */
interface Made {
  readonly precision: Precision;
  /** What was left, and why. */
  readonly declined: readonly Declined[];
}

/** @throws {RangeError} If the form changed nothing of the graph, or made no blocks of weights where it is one of blocks. */
export function assertFormed(graph: Graph, form: FloatForm, { precision, declined }: Made): void {
  const { isIn, needed } = SIGNS[form.kind];
  const cannot = `Cannot export "${graph.name}" as ${precision}`;
  if (!isIn(graph)) {
    const convolutions = graph.nodes.filter(({ op }) => op === "Conv" || op === "ConvTranspose").length;
    const hint = convolutions > 0 && form.kind === "dynamic"
      ? `; its ${convolutions} convolutions are better served by "int8" or "weights8"`
      : "";
    throw new RangeError(`${cannot}: it has no weights to round, ${needed} is needed${hint}`);
  }
  if (form.kind !== "weights" || form.blocks === undefined || hasAny("MatMulNBits")(graph)) return;
  const { bits, size } = form.blocks;
  const why = reasonsOf(declined.filter(({ pass }) => pass === BLOCKS_PASS));
  throw new RangeError(
    `${cannot}: none of its weights can be ${bits} bits in blocks of ${size}${why}; 8 bits without blocks would do`,
  );
}

/** What makes blocks of weights. */
const BLOCKS_PASS = "blockWeights";

/** Reasons that a message gives at the most. */
const REASONS = 3;

/** Writes why nodes were left, those of one reason together, in brackets: ` ("conv" and 2 more: …; "dense": …)`. */
function reasonsOf(declined: readonly Declined[]): string {
  const reasons = [...Map.groupBy(declined, ({ because }) => because)].map(([because, [{ node }, ...others]]) =>
    `"${node}"${others.length === 0 ? "" : ` and ${others.length} more`}: ${because}`
  );
  if (reasons.length === 0) return "";
  return ` (${reasons.slice(0, REASONS).join("; ")}${reasons.length > REASONS ? "; …" : ""})`;
}

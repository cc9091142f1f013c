/**
 * Quantized ONNX graphs as the float graphs that they stand for, and their grids.
 *
 * A file of Q/DQ pairs, one of operators on codes, or one whose ranges are found at run time: what is rounded is the same
 * value before it is. A value of codes is known by the real value that it stands for; operators that only move codes move
 * the real values. What rounds is left out, and constants of codes become the real numbers that they stand for.
 *
 *     x ─ Q ─ DQ ─ Conv ─ Q ─ DQ ─ y        x ─ Conv ─ y, with the grids of x and of what Conv gives
 *
 * A grid that begins at 0 cuts off what is below, and tools leave out the ReLU that it does the work of: it comes back.
 */
import type { Graph, Node, Tensor } from "../../../src/onnx/graph.ts";
import type { DType } from "../../../src/numbers/dtype.ts";
import { traitsOf } from "../../../src/onnx/schema/mod.ts";
import { readForm } from "../../../src/passes/deploy/qoperator_forms.ts";
import type { FileGrid } from "../imported.ts";
import { areEqual, GridError, gridIn, realCodes } from "./_file_grids.ts";
import { cannotLoadOnnx, fileOf, type GraphFile } from "./_read_file.ts";
import { isNonNegative } from "./_non_negative.ts";
import { tanhOfSigmoid } from "./_tanh_of_sigmoid.ts";

/** A float graph, and the grids of the one that it was. */
export interface Dequantized {
  readonly graph: Graph;
  /** Of real values, by their names. */
  readonly values: ReadonlyMap<string, FileGrid>;
  /** Of the weights of nodes, by the nodes' names. */
  readonly weights: ReadonlyMap<string, FileGrid>;
  /** Whether some ranges are found at run time. */
  readonly isDynamic: boolean;
}

/** Operators that only quantized graphs have; rounding of constants alone is folded as any other. */
const SIGNS: readonly string[] = [
  "QuantizeLinear",
  "DynamicQuantizeLinear",
  "DynamicQuantizeMatMul",
  "MatMulInteger",
  "MatMulIntegerToFloat",
  "ConvInteger",
];

/**
 * Returns the float graph of a quantized one, whose nodes have names of their own; undefined if it rounds nothing.
 *
 * @param keep Values that are outputs: they keep their names.
 * @throws {GridError} If a scale is computed, or an operator on codes is unknown.
 */
export function dequantized(graph: Graph, keep: readonly string[]): Dequantized | undefined {
  if (!graph.nodes.some((node) => SIGNS.includes(node.op) || readForm(node) !== undefined)) return undefined;
  const plain = tanhOfSigmoid(graph);
  const reading = new Reading(plain, new Set(keep));
  for (const node of plain.nodes) reading.read(node);
  return reading.end();
}

/** Names of constants that make a grid; an empty zero point is none. */
interface GridNames {
  readonly scale: string;
  readonly zero: string;
  readonly axis: number;
  /** Of the codes, where there is no zero point that has it. */
  readonly dtype?: DType | undefined;
}

/** As `dequantized`, with a file that ONNX Runtime takes of the float graph. */
export function dequantizedFile(
  { graph, opset }: GraphFile,
  { path, keep }: { readonly path: string; readonly keep: readonly string[] },
): (Dequantized & GraphFile) | undefined {
  try {
    const found = dequantized(graph, keep);
    return found && { ...found, opset, bytes: fileOf(found.graph, { opset, path }) };
  } catch (cause) {
    if (!(cause instanceof GridError)) throw cause;
    throw cannotLoadOnnx(path, cause.message, cause);
  }
}

class Reading {
  readonly #graph: Graph;
  readonly #keep: ReadonlySet<string>;
  readonly #nodes: Node[] = [];
  readonly #initializers: Map<string, Tensor>;
  /** What nodes Constant give. */
  readonly #given: ReadonlyMap<string, Tensor>;
  /** The real values that values stand for: of codes, and of what is read of them. */
  readonly #real = new Map<string, string>();
  /** Grids of codes. */
  readonly #codes = new Map<string, FileGrid | "dynamic">();
  readonly #values = new Map<string, FileGrid>();
  readonly #weights = new Map<string, FileGrid>();
  /** Grids of constants, by the values that are read of them. */
  readonly #constants = new Map<string, FileGrid>();
  /** Values behind the ReLU that was put back. */
  readonly #cuts = new Map<string, string>();
  /** Values that are never below 0, whatever is computed. */
  readonly #nonNegative = new Set<string>();
  #isDynamic = false;

  constructor(graph: Graph, keep: ReadonlySet<string>) {
    this.#graph = graph;
    this.#keep = keep;
    this.#initializers = new Map(graph.initializers);
    this.#given = new Map(
      graph.nodes.flatMap(({ op, outputs: [name], attrs: { value } }) =>
        op === "Constant" && typeof value === "object" && "dtype" in value ? [[name, value] as const] : []
      ),
    );
  }

  read(node: Node): void {
    const [output] = node.outputs;
    switch (node.op) {
      case "QuantizeLinear":
        return this.#quantize(node);
      case "DequantizeLinear":
        return this.#dequantize(node);
      case "DynamicQuantizeLinear":
        return this.#quantizeDynamically(node);
      case "DynamicQuantizeMatMul":
        return this.#product(node, { b: 1, scale: 2, zero: 3, bias: 4 });
      case "MatMulIntegerToFloat":
        return this.#product(node, { b: 1, scale: 3, zero: 5, bias: 6 });
      case "MatMulInteger":
      case "ConvInteger":
        return this.#integerProduct(node);
    }
    const form = readForm(node);
    if (form !== undefined) return this.#form(node, form);
    const onCodes = node.inputs.filter((name) => this.#codes.has(name));
    if (onCodes.length > 0) {
      const grid = this.#codes.get(onCodes[0])!;
      if (node.op === "Pad") return this.#pad(node, grid);
      if (!traitsOf(node).movement && node.op !== "Concat") {
        throw new GridError(
          `its node "${node.name}" (${node.op}) computes with codes, operators that move them are known`,
        );
      }
      for (const name of node.outputs) this.#setCodes(name, { real: name, grid });
    }
    this.#add(node);
    if (isNonNegative(node, (name) => this.#nonNegative.has(this.#realOf(name)))) this.#nonNegative.add(output);
  }

  end(): Dequantized {
    return {
      graph: { ...this.#graph, nodes: this.#nodes, initializers: this.#initializers },
      values: this.#values,
      weights: this.#weights,
      isDynamic: this.#isDynamic,
    };
  }

  #add(node: Node): void {
    for (const name of node.inputs) {
      const grid = this.#constants.get(name);
      // Those of biases follow from the others.
      if (grid !== undefined && grid.dtype !== "int32") this.#weights.set(node.name, grid);
    }
    this.#nodes.push({ ...node, inputs: node.inputs.map((name) => this.#realOf(name)) });
  }

  #realOf(name: string): string {
    return this.#real.get(name) ?? name;
  }

  /** Lets a value be read as another; an output is that other under its own name. */
  #alias(name: string, real: string, { name: of }: Node): void {
    this.#real.set(name, real);
    if (!this.#keep.has(name)) return;
    this.#nodes.push({ op: "Identity", name: `${of}_real`, inputs: [real], outputs: [name], attrs: {} });
  }

  #setCodes(name: string, { real, grid }: { readonly real: string; readonly grid: FileGrid | "dynamic" }): void {
    this.#codes.set(name, grid);
    if (real !== name) this.#real.set(name, real);
    if (grid === "dynamic") this.#isDynamic = true;
  }

  #constant(name: string, what: string): Tensor {
    return this.#initializers.get(name) ?? this.#given.get(name) ?? refuseComputed(what, name);
  }

  /** The grid that constants make. */
  #grid(of: string, { scale, zero, axis, dtype }: GridNames): FileGrid {
    return gridIn({
      of,
      scale: this.#constant(scale, `the scale of "${of}"`),
      zero: zero === "" ? undefined : this.#constant(zero, `the zero point of "${of}"`),
      axis,
      ...(dtype === undefined ? {} : { dtype }),
    });
  }

  /** The grid of a node that rounds, or reads what was. */
  #gridOf({ inputs: [codes, scale, zero = ""], attrs, name }: Node): FileGrid {
    const { axis = 1, block_size: block = 0 } = attrs;
    if (block !== 0) {
      throw new GridError(`its node "${name}" has a scale for each block, one a tensor or a channel is needed`);
    }
    const known = this.#initializers.get(codes) ?? this.#given.get(codes);
    return this.#grid(name, { scale, zero, axis: Number(axis), dtype: known?.dtype });
  }

  #quantize(node: Node): void {
    const { inputs: [x], outputs: [codes] } = node;
    const grid = this.#gridOf(node);
    if (this.#isConstant(x)) {
      this.#setCodes(codes, { real: x, grid });
      return this.#keep.has(codes) ? this.#alias(codes, x, node) : undefined;
    }
    const real = this.#cut(this.#realOf(x), grid, node);
    if (!this.#values.has(real)) this.#values.set(real, grid);
    this.#setCodes(codes, { real, grid });
    if (this.#keep.has(codes)) this.#alias(codes, real, node);
  }

  #dequantize(node: Node): void {
    const { inputs: [codes], outputs: [real] } = node;
    const written = this.#codes.get(codes);
    if (written === undefined) {
      // A constant: what folds others folds it.
      if (this.#isConstant(codes)) this.#constants.set(real, this.#gridOf(node));
      return this.#add(node);
    }
    const grid = this.#gridOf(node);
    this.#checkRead(node, written, grid);
    const own = this.#realOf(codes);
    if (this.#isConstant(own)) this.#constants.set(real, grid);
    this.#alias(real, own, node);
  }

  /** Codes mean what they meant when they were written. */
  #checkRead({ name }: Node, written: FileGrid | "dynamic", grid: FileGrid): void {
    if (written === "dynamic" || areEqual(grid, written)) return;
    throw new GridError(`its node "${name}" reads codes on another grid than they were written on`);
  }

  /** Codes of zeros around codes are zeros around real numbers; other modes repeat what there is. */
  #pad(node: Node, grid: FileGrid | "dynamic"): void {
    const { name, inputs: [codes, pads, value = "", ...axes], outputs: [output], attrs } = node;
    const fill = value === "" ? 0 : Number(this.#constant(value, `the value that "${name}" pads with`).data[0]);
    if ((attrs.mode ?? "constant") === "constant" && (grid === "dynamic" || fill !== grid.zeroPoint[0])) {
      throw new GridError(`its node "${name}" (Pad) pads with the code ${fill}, that of 0 is needed`);
    }
    this.#setCodes(output, { real: output, grid });
    this.#add({ ...node, inputs: axes.length === 0 ? [codes, pads] : [codes, pads, "", ...axes] });
    if (this.#nonNegative.has(this.#realOf(codes))) this.#nonNegative.add(output);
  }

  #isConstant(name: string): boolean {
    return this.#initializers.has(name) || this.#given.has(name);
  }

  /** Puts back the ReLU whose work a grid does that begins at 0: what is below has its first code. */
  #cut(real: string, grid: FileGrid, { name }: Node): string {
    const known = this.#cuts.get(real);
    if (known !== undefined) return known;
    const isCut = grid.scale.length === 1 && grid.zeroPoint[0] === grid.qmin;
    if (!isCut || this.#nonNegative.has(real) || this.#graph.inputs.includes(real)) return real;
    const cut = `${real}_cut`;
    this.#cuts.set(real, cut);
    const most = grid.scale[0] * (grid.qmax - grid.qmin);
    // Calibration finds exactly 6 only where something clips there.
    const isSix = Math.abs(most - 6) < 6e-6;
    if (isSix) {
      for (const [end, value] of [["min", 0], ["max", 6]] as const) {
        this.#initializers.set(`${cut}_${end}`, { dtype: "float32", shape: [], data: Float32Array.of(value) });
      }
    }
    const inputs = isSix ? [real, `${cut}_min`, `${cut}_max`] : [real];
    this.#nodes.push({ op: isSix ? "Clip" : "Relu", name: `${name}_cut`, inputs, outputs: [cut], attrs: {} });
    this.#nonNegative.add(cut);
    return cut;
  }

  #form(node: Node, form: NonNullable<ReturnType<typeof readForm>>): void {
    const { name, outputs: [output] } = node;
    if (node.attrs.channels_last === 1) throw new GridError(`its node "${name}" (${node.op}) has channels last`);
    const operands = form.operands.map(([codes, scale, zero], i) => {
      const written = this.#codes.get(codes);
      if (written !== undefined) {
        this.#checkRead(node, written, this.#grid(name, { scale, zero, axis: 1 }));
        return this.#realOf(codes);
      }
      // Columns of a second factor are its last axis, filters of a convolution its first.
      const axis = form.op === "MatMul" || (form.op === "Gemm" && Number(node.attrs.transB ?? 0) === 0) ? -1 : 0;
      const real = this.#realConstant(codes, { scale, zero, axis, of: name });
      if (i === form.weights) this.#weights.set(name, this.#constants.get(real)!);
      return real;
    });
    const bias = form.bias === undefined ? [] : [this.#realBias(form.bias, form, node)];
    this.#nodes.push({
      op: form.op,
      name,
      inputs: [...form.plain.map((each) => this.#realOf(each)), ...operands, ...bias],
      outputs: node.outputs,
      attrs: form.attrs,
    });
    if (form.output === undefined) return;
    const [scale, zero] = form.output;
    const grid = this.#grid(name, { scale, zero, axis: 1 });
    if (isNonNegative({ ...node, op: form.op, inputs: operands }, (each) => this.#nonNegative.has(each))) {
      this.#nonNegative.add(output);
    }
    const real = this.#cut(output, grid, node);
    if (!this.#values.has(real)) this.#values.set(real, grid);
    this.#setCodes(output, { real, grid });
  }

  /** Makes real numbers of a constant of codes. */
  #realConstant(
    codes: string,
    { of, ...names }: GridNames & { readonly of: string },
  ): string {
    const tensor = this.#constant(codes, `an operand of "${of}"`);
    const grid = this.#grid(of, { ...names, dtype: tensor.dtype });
    const real = `${codes}_real`;
    this.#initializers.set(real, realCodes(tensor, grid, of));
    this.#constants.set(real, grid);
    return real;
  }

  #realBias(codes: string, { operands }: NonNullable<ReturnType<typeof readForm>>, { name }: Node): string {
    const tensor = this.#constant(codes, `the bias of "${name}"`);
    const [[x], w] = [0, 1].map((i) => Array.from(this.#constant(operands[i][1], `a scale of "${name}"`).data, Number));
    const scale: Tensor = { dtype: "float32", shape: [w.length], data: Float32Array.from(w, (each) => x * each) };
    const grid = gridIn({ of: name, scale, zero: undefined, axis: 0, dtype: "int32" });
    const real = `${codes}_real`;
    this.#initializers.set(real, realCodes(tensor, grid, name));
    return real;
  }

  #quantizeDynamically(node: Node): void {
    const { inputs: [x], outputs: [codes, scale, zero] } = node;
    this.#setCodes(codes, { real: this.#realOf(x), grid: "dynamic" });
    // Codes are read as the real numbers: their scale is 1.
    this.#initializers.set(scale, { dtype: "float32", shape: [], data: Float32Array.of(1) });
    this.#initializers.set(zero, { dtype: "uint8", shape: [], data: Uint8Array.of(0) });
  }

  /** A product of real numbers by constant codes that gives real numbers. */
  #product(
    node: Node,
    places: { readonly b: number; readonly scale: number; readonly zero: number; readonly bias: number },
  ): void {
    const { inputs, outputs: [output], name } = node;
    this.#isDynamic = true;
    const b = this.#realConstant(inputs[places.b], {
      scale: inputs[places.scale],
      zero: inputs[places.zero] ?? "",
      axis: -1,
      of: name,
    });
    this.#weights.set(name, this.#constants.get(b)!);
    const bias = inputs[places.bias] ?? "";
    const product = bias === "" ? output : `${output}_product`;
    this.#nodes.push({ op: "MatMul", name, inputs: [this.#realOf(inputs[0]), b], outputs: [product], attrs: {} });
    if (bias === "") return;
    this.#nodes.push({ op: "Add", name: `${name}_bias`, inputs: [product, bias], outputs: [output], attrs: {} });
  }

  /** Codes by codes, whose scales are multiplied in behind: those of the first are 1 here, those of the second stay. */
  #integerProduct(node: Node): void {
    const { op, name, inputs: [a, b, , zero = ""], outputs, attrs } = node;
    if (this.#codes.get(a) !== "dynamic") {
      throw new GridError(`its node "${name}" (${op}) reads codes of no known scale`);
    }
    const codes = this.#constant(b, `the second factor of "${name}"`);
    const zeros = zero === "" ? undefined : this.#constant(zero, `the zero point of "${name}"`);
    const one = { dtype: "float32", shape: [], data: Float32Array.of(1) } as const;
    const grid = gridIn({ of: name, scale: one, zero: zeros, axis: op === "ConvInteger" ? 0 : -1, dtype: codes.dtype });
    const real = `${b}_real`;
    this.#initializers.set(real, realCodes(codes, grid, name));
    this.#weights.set(name, grid);
    const float = op === "ConvInteger" ? "Conv" : "MatMul";
    this.#nodes.push({ op: float, name, inputs: [this.#realOf(a), real], outputs, attrs });
  }
}

function refuseComputed(what: string, name: string): never {
  throw new GridError(`${what} is computed ("${name}"), a constant is needed`);
}

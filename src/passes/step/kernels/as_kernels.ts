/**
 * Computes what ONNX Runtime's integer kernels will make of a quantized model, where no gradient is asked for.
 *
 * DequantizeLinear → operator → QuantizeLinear is one integer kernel in the exported file. Its arithmetic is another than
 * that of the float operator between, and near a tie its code is another too (docs/quantization.md, section 9). So the
 * recorded pass is rewritten as ONNX Runtime rewrites the file: where it would place a kernel, the kernel's own arithmetic
 * is written down, in operators that nothing fuses.
 *
 * ONNX Runtime places a kernel where nothing else reads what lies between. In a step of training gradients do: there the
 * float operators stay, whose gradients those are.
 */
import { codeRangeOf, isCodeType } from "../../../numbers/codes.ts";
import { allocate } from "../../../numbers/dtype.ts";
import type { Graph, Node } from "../../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { traitsOf } from "../../../onnx/schema/mod.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { definePass, type Pass } from "../../pass.ts";
import { averagePool, globalAverage } from "./_averages.ts";
import { CodeReader } from "./_codes.ts";
import { add, multiply } from "./_elementwise.ts";
import { product } from "./_products.ts";
import { cast, type KernelRule, scalar, type Site, type Steps, writing } from "./_site.ts";

/** Replaces float operators between grids by the arithmetic of the integer kernels that they become. */
export const asKernels: Pass = definePass({ name: "asKernels", rewrite });

/** The kernels by operator; where there are several, the first that is one. */
const KERNELS: Readonly<Record<string, readonly KernelRule[] | undefined>> = {
  Conv: [product],
  MatMul: [product],
  BatchNormalization: [product],
  Add: [product, add],
  Mul: [multiply],
  AveragePool: [averagePool],
  GlobalAveragePool: [globalAverage],
  ReduceMean: [globalAverage],
};

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const reader = new CodeReader(out, index);
  for (const node of graph.nodes) {
    if (node.op !== "QuantizeLinear" || !placeKernel(node, { out, index, reader })) out.push(node);
  }
  return removeDeadNodes(out.finish());
}

function placeKernel(quantize: Node, parts: Omit<Site, "output">): boolean {
  const { out, index } = parts;
  const [, scale, zeroPoint] = quantize.inputs;
  const { dtype } = out.typeOf(quantize.outputs[0]);
  if (zeroPoint === undefined || !isCodeType(dtype) || out.typeOf(scale).shape.length > 0) return false;
  const site = { ...parts, output: { scale, zeroPoint, dtype } };
  const { node, behind } = operatorBefore(quantize, index);
  const isFused = behind.every((other) => traitsOf(other).movement === true || isAbsorbed(other, site) !== false);
  if (node === undefined || !isFused) return false;
  for (const kernel of KERNELS[node.op] ?? []) {
    const steps = kernel(node, site);
    if (steps === undefined) continue;
    emitCodes(quantize, steps, { behind, site });
    return true;
  }
  return false;
}

/** Goes up from a QuantizeLinear to what computes its values, through what it absorbs and through movements. */
function operatorBefore(
  quantize: Node,
  index: Index,
): { readonly node: Node | undefined; readonly behind: readonly Node[] } {
  const behind: Node[] = [];
  for (let value = quantize.inputs[0];;) {
    const node = isOnlyQuantized(value, index) ? index.producer(value) : undefined;
    if (node === undefined || !isPassed(node)) return { node, behind };
    behind.unshift(node);
    value = node.inputs[0];
  }
}

/**
 * Whether `value` is read by QuantizeLinear alone, through what that absorbs and through movements.
 *
 * By several, where sums of several layers were the same one: in the file each of them has its own.
 */
function isOnlyQuantized(value: string, index: Index): boolean {
  return !index.isOutput(value) &&
    index.uses(value).every((node) =>
      node.op === "QuantizeLinear" || (isPassed(node) && isOnlyQuantized(node.outputs[0], index))
    );
}

/** Whether a kernel may reach from before `node` to behind it. */
function isPassed({ outputs, ...node }: Node): boolean {
  return outputs.length === 1 && (node.op === "Relu" || node.op === "Clip" || traitsOf(node).movement === true);
}

/** Whether ONNX Runtime can drop a Relu or Clip, for what it cuts off has no code: undefined where that is not known yet. */
function isAbsorbed({ op, inputs }: Node, { index, output }: Site): boolean | undefined {
  const [zeroPoint, scale] = [output.zeroPoint, output.scale].map((name) => knownNumber(name, index));
  const { qmin, qmax } = codeRangeOf(output.dtype);
  if (zeroPoint !== undefined && zeroPoint !== qmin) return false;
  if (op === "Relu") return zeroPoint === undefined ? undefined : true;
  const [low, high] = inputs.slice(1).map((name) => name === "" ? undefined : knownNumber(name, index));
  if (low === undefined || high === undefined || low > 0) return false;
  if (zeroPoint === undefined || scale === undefined) return undefined;
  return Math.fround(high / scale) >= qmax - qmin;
}

function knownNumber(name: string, index: Index): number | undefined {
  const constant = index.constant(name);
  if (constant !== undefined) return Number(constant.data[0]);
  const node = index.producer(name);
  return node?.op === "Cast" ? knownNumber(node.inputs[0], index) : undefined;
}

/** Rounds steps to codes in place of `quantize`, behind what stands between. */
function emitCodes(
  quantize: Node,
  steps: Steps,
  { behind, site }: { readonly behind: readonly Node[]; readonly site: Site },
): void {
  const { out, output } = site;
  const write = writing(site, quantize);
  const value = behind.reduce((x, node) => {
    if (traitsOf(node).movement === true) return write(node.op, [x, ...node.inputs.slice(1)], node.attrs);
    if (isAbsorbed(node, site) === true) return x;
    const zero = steps.areCodes ? cast(write, output.zeroPoint, "float32") : scalar(site, 0);
    const bound = (real: string) => write("Add", [write("Div", [real, output.scale]), zero]);
    return node.op === "Relu" ? write("Max", [x, zero]) : write("Clip", [x, ...node.inputs.slice(1).map(bound)]);
  }, steps.value);
  const none = out.constant("zero", output.dtype, [], allocate(output.dtype, 1));
  out.push({ ...quantize, inputs: [value, scalar(site, 1), steps.areCodes ? none : output.zeroPoint] });
}

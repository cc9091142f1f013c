/** Holds an exported graph to the table of its target: what a file's grids are, not what they were meant to be. */
import { symmetricZeroPoint } from "../src/numbers/qparams.ts";
import type { QuantScheme } from "../src/numbers/scheme.ts";
import type { Graph, Node, Tensor } from "../src/onnx/graph.ts";
import { type Index, indexOf } from "../src/onnx/index.ts";
import { gridsOfForm } from "../src/passes/deploy/qoperator_forms.ts";
import { describeScheme, type FileForm, type Target } from "../quantize/target.ts";

/** Operators whose second input is weights and whose third a bias. */
const WEIGHTED = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** What a file is written as. */
export interface Written {
  readonly opset: number;
  /** Default: "qdq". */
  readonly format?: FileForm;
}

/**
 * Checks every grid of an int8 graph: the type of its codes, how many scales it has, where 0 lies, which codes constants
 * use.
 *
 * @throws {RangeError} If one is not as the target has it, or opset or form are none of the target's.
 */
export function assertHeld(graph: Graph, target: Target, { opset, format = "qdq" }: Written): void {
  const refuse = (what: string, because: string): never => {
    throw new RangeError(`Cannot write ${what} for target "${target.name}": ${because}`);
  };
  const { file } = target;
  if (file === undefined) return refuse(`"${graph.name}"`, "it is simulated only and has no file");
  const { least, most } = file.opsets;
  if (opset < least || opset > most) refuse(`opset ${opset}`, `${least} to ${most} are needed`);
  if (!file.forms.includes(format)) refuse(`"${graph.name}" as ${format}`, `its files are ${file.forms.join(" or ")}`);
  const index = indexOf(graph);
  for (const node of graph.nodes) {
    const isPair = node.op === "QuantizeLinear" || node.op === "DequantizeLinear";
    const fault = isPair ? faultOf(node, { index, target }) : faultOfForm(node, { index, target });
    if (fault === undefined) continue;
    const [reader] = isPair ? index.uses(node.outputs[0]) : [];
    refuse(`"${reader?.layer ?? node.layer ?? node.name}"`, fault);
  }
}

interface Judged {
  readonly index: Index;
  readonly target: Target;
}

/** Says what is wrong with a grid in an operator on codes, as the rest of a sentence. */
function faultOfForm(node: Node, { index, target }: Judged): string | undefined {
  for (const { role, ...names } of gridsOfForm(node)) {
    const [scale, zeroPoint, codes] = [names.scale, names.zeroPoint, names.codes].map(index.constant);
    if (role === "bias") {
      if (codes?.dtype !== "int32") return `its bias is ${codes?.dtype ?? "computed"}, int32 is needed`;
      continue;
    }
    if (scale === undefined || zeroPoint === undefined) return COMPUTED;
    // Products of two computed values have no weights.
    const held = role === "weights" && codes !== undefined ? "weights" : "activations";
    const fault = faultOfSchemes({ scales: scale.data.length, zeroPoint, codes }, target[held], held);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const COMPUTED = "a grid is computed, constants are needed";

/** Says what is wrong with the grid of a node, as the rest of a sentence. */
function faultOf(node: Node, { index, target }: Judged): string | undefined {
  const [, scale, zeroPoint] = node.inputs.map((name) => index.constant(name));
  if (scale === undefined || zeroPoint === undefined) return COMPUTED;
  const codes = node.op === "DequantizeLinear" ? index.constant(node.inputs[0]) : undefined;
  const grid = { scales: scale.data.length, zeroPoint, codes };
  const table = node.op === "DequantizeLinear" ? tableOf(node, index) : undefined;
  if (table !== undefined) return faultOfSchemes({ ...grid, codes: table }, target.weights, "weights");
  const place = index.uses(node.outputs[0]).filter(({ op }) => WEIGHTED.has(op))
    .map(({ inputs }) => inputs.indexOf(node.outputs[0]));
  if (codes !== undefined && place.includes(1)) return faultOfSchemes(grid, target.weights, "weights");
  if (codes !== undefined && place.includes(2)) {
    return target.file?.bias === "float32" ? `its bias is ${codes.dtype}, float32 is needed` : faultOfBias(grid);
  }
  return faultOfSchemes(grid, target.activations, "activations");
}

/** The codes of a weight of which `node` makes those real that were picked. */
function tableOf({ inputs }: Node, index: Index): Tensor | undefined {
  const gather = index.producer(inputs[0]);
  return gather?.op === "Gather" ? index.constant(gather.inputs[0]) : undefined;
}

interface GridInFile {
  /** How many there are. */
  readonly scales: number;
  readonly zeroPoint: Tensor;
  /** Codes that stand in the file. */
  readonly codes: Tensor | undefined;
}

function faultOfBias({ zeroPoint }: GridInFile): string | undefined {
  if (zeroPoint.dtype !== "int32") return `its bias is ${zeroPoint.dtype}, int32 is needed`;
  return numbers(zeroPoint).some((z) => z !== 0) ? "its bias has a zero point, 0 is needed" : undefined;
}

function faultOfSchemes(grid: GridInFile, schemes: readonly QuantScheme[], role: string): string | undefined {
  const isPerChannel = (dtype: string) =>
    schemes.some((scheme) => scheme.dtype === dtype && scheme.granularity.kind === "per-channel");
  if (schemes.some((scheme) => fits(grid, { scheme, canSpread: isPerChannel(scheme.dtype) }))) return undefined;
  const { scales, zeroPoint, codes } = grid;
  const ends = codes === undefined ? "" : ` ${endsOf(codes).join(" to ")}`;
  const zeros = [...new Set(numbers(zeroPoint))].slice(0, 3).join(", ");
  return `its ${role} are ${zeroPoint.dtype}${ends} around ${zeros} with ${scales} scale${scales === 1 ? "" : "s"}, ` +
    `${schemes.map(describeScheme).join(" or ")} is needed`;
}

/** `canSpread` says that there may be several scales around one zero point: batch normalization makes them of one. */
function fits(
  { scales, zeroPoint, codes }: GridInFile,
  { scheme, canSpread }: { readonly scheme: QuantScheme; readonly canSpread: boolean },
): boolean {
  const { dtype, qmin, qmax, symmetric, granularity } = scheme;
  if (zeroPoint.dtype !== dtype) return false;
  const zeros = numbers(zeroPoint);
  const isOne = scales === 1 || (canSpread && !symmetric && zeros.every((z) => z === zeros[0]));
  if (granularity.kind === "per-tensor" && !isOne) return false;
  const zero = symmetric ? symmetricZeroPoint(scheme) : undefined;
  if (!zeros.every((z) => zero === undefined ? z >= qmin && z <= qmax : z === zero)) return false;
  if (codes === undefined) return true;
  const [least, most] = endsOf(codes);
  return least >= qmin && most <= qmax;
}

function numbers({ data }: Tensor): readonly number[] {
  return Array.from<number | bigint, number>(data, Number);
}

/** The least and the greatest of codes; there may be a hundred million of them. */
function endsOf({ data }: Tensor): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const code = Number(data[i]);
    if (code < least) least = code;
    if (code > most) most = code;
  }
  return [least, most];
}

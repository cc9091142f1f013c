/**
 * How operators between Q/DQ pairs are written as one operator on codes.
 *
 * Values on a grid are three inputs there: codes, scale, zero point. The operators are those that ONNX Runtime itself makes
 * of the pairs, with their inputs in the order of their schemas.
 *
 * Source: onnx.ai/onnx/operators (QLinearConv, QLinearMatMul), microsoft/onnxruntime/docs/ContribOperators.md (all others).
 */
import type { Attrs, Node } from "../../onnx/graph.ts";

/** Names of codes, scale and zero point. */
export type OnGrid = readonly [codes: string, scale: string, zeroPoint: string];

/** What an operator on codes is made of. */
export interface Parts {
  /** The operator between the pairs. */
  readonly node: Node;
  /** Its inputs that are on grids, in its order. */
  readonly operands: readonly OnGrid[];
  /** Codes of its bias. */
  readonly bias?: string;
  /** Scale and zero point of what it gives; absent where that is real numbers. */
  readonly output?: readonly [scale: string, zeroPoint: string];
}

/** An operator on codes, without its name and outputs. */
export type Written = Pick<Node, "op" | "domain" | "inputs" | "attrs">;

/** Where grids are among the inputs of an operator on codes. */
interface Places {
  /** Where the codes of its operands are, or where they begin and repeat; scale and zero point follow. */
  readonly operands: readonly number[] | { readonly from: number };
  /** Which operand is weights, if it is constant. */
  readonly weights?: number;
  readonly bias?: number;
  /** Where the output's scale is; the zero point follows. */
  readonly output: number;
}

/** A row of the table. */
interface Form {
  readonly op: string;
  readonly domain?: "com.microsoft";
  readonly places: Places;
  readonly inputs: (parts: Parts) => readonly string[];
  /** Default: those of the operator between the pairs. */
  readonly attrs?: (attrs: Attrs) => Attrs;
}

const CONTRIB = "com.microsoft";

const outputOf = ({ output }: Parts): readonly string[] => output ?? [];

function unary(op: string, attrs?: Form["attrs"]): Form {
  return {
    op,
    domain: CONTRIB,
    places: { operands: [0], output: 3 },
    inputs: (parts) => [...parts.operands[0], ...outputOf(parts)],
    ...(attrs === undefined ? {} : { attrs }),
  };
}

function binary(op: string): Form {
  return {
    op,
    domain: CONTRIB,
    places: { operands: [0, 3], output: 6 },
    inputs: (parts) => [...parts.operands.flat(), ...outputOf(parts)],
  };
}

/** By the operator between the pairs. */
const FORMS: Readonly<Record<string, Form>> = {
  Conv: {
    op: "QLinearConv",
    places: { operands: [0, 3], weights: 3, bias: 8, output: 6 },
    inputs: (
      parts,
    ) => [...parts.operands.flat(), ...outputOf(parts), ...(parts.bias === undefined ? [] : [parts.bias])],
  },
  Gemm: {
    op: "QGemm",
    domain: CONTRIB,
    places: { operands: [0, 3], weights: 3, bias: 6, output: 7 },
    inputs: (parts) => withoutTail([...parts.operands.flat(), parts.bias ?? "", ...outputOf(parts)]),
    // There is no β: a bias is added as it is.
    attrs: ({ beta: _, ...attrs }) => attrs,
  },
  MatMul: {
    op: "QLinearMatMul",
    places: { operands: [0, 3], weights: 3, output: 6 },
    inputs: (parts) => [...parts.operands.flat(), ...outputOf(parts)],
  },
  Add: binary("QLinearAdd"),
  Mul: binary("QLinearMul"),
  Where: {
    op: "QLinearWhere",
    domain: CONTRIB,
    places: { operands: [1, 4], output: 7 },
    inputs: (parts) => [parts.node.inputs[0], ...parts.operands.flat(), ...outputOf(parts)],
  },
  Concat: {
    op: "QLinearConcat",
    domain: CONTRIB,
    places: { operands: { from: 2 }, output: 0 },
    inputs: (parts) => [...outputOf(parts), ...parts.operands.flat()],
  },
  AveragePool: unary("QLinearAveragePool"),
  GlobalAveragePool: unary("QLinearGlobalAveragePool"),
  LeakyRelu: unary("QLinearLeakyRelu"),
  Sigmoid: unary("QLinearSigmoid"),
  // The definition of Softmax that the axis is read by: along one axis, not along all from it on.
  Softmax: unary("QLinearSoftmax", ({ axis = -1 }) => ({ axis, opset: 13 })),
};

/** Operators that have a form on codes which gives real numbers. */
const GIVE_REALS = new Set(["Gemm", "MatMul"]);

/** Whether there is an operator on codes for `op`, one that gives codes or one that gives real numbers. */
export function hasForm(op: string, gives: "codes" | "reals"): boolean {
  return gives === "codes" ? Object.hasOwn(FORMS, op) : GIVE_REALS.has(op);
}

/** Writes an operator on codes. There must be one. */
export function writeForm(parts: Parts): Written {
  const { node, operands, output } = parts;
  if (node.op === "MatMul" && output === undefined) return matMulToReals(operands);
  const { op, domain, inputs, attrs = (own) => own } = FORMS[node.op];
  return { op, ...(domain === undefined ? {} : { domain }), inputs: inputs(parts), attrs: attrs(node.attrs) };
}

function matMulToReals([[a, scaleA, zeroA], [b, scaleB, zeroB]]: readonly OnGrid[]): Written {
  return { op: "MatMulIntegerToFloat", domain: CONTRIB, inputs: [a, b, scaleA, scaleB, zeroA, zeroB], attrs: {} };
}

/** A grid in an operator on codes. */
export interface GridOfForm {
  readonly role: "activations" | "weights" | "bias";
  /** The codes, where they are an input; of a bias there are codes alone. */
  readonly codes?: string;
  readonly scale?: string;
  readonly zeroPoint?: string;
}

const BY_FORM = new Map(Object.entries(FORMS).map(([between, form]) => [form.op, { ...form, between }]));

/** An operator on codes as what it computes. */
export interface ReadForm {
  /** The operator between the pairs. */
  readonly op: string;
  readonly attrs: Attrs;
  /** Its operands; the places of `weights` among them, where they are constant. */
  readonly operands: readonly OnGrid[];
  readonly weights?: number;
  /** Codes of a bias, on the grid of operands and weights multiplied. */
  readonly bias?: string;
  /** Absent where it gives real numbers. */
  readonly output?: readonly [scale: string, zeroPoint: string];
  /** Inputs that are on no grid, before the operands. */
  readonly plain: readonly string[];
}

/** Attributes of operators on codes that the operators between the pairs do not have, where they say what those always do. */
const ADDED_ATTRS: Readonly<Record<string, readonly string[]>> = {
  QLinearSoftmax: ["opset"],
  QLinearAveragePool: ["channels_last"],
  QLinearGlobalAveragePool: ["channels_last"],
};

/** Reads an operator on codes as what it computes; undefined of any other. */
export function readForm({ op, inputs, attrs }: Pick<Node, "op" | "inputs" | "attrs">): ReadForm | undefined {
  const form = BY_FORM.get(op);
  if (form === undefined) return undefined;
  const { operands, weights, bias, output } = form.places;
  const starts = "from" in operands ? everyThird(operands.from, inputs.length) : operands;
  const place = starts.findIndex((at) => at === weights);
  const added = ADDED_ATTRS[op] ?? [];
  return {
    op: form.between,
    attrs: Object.fromEntries(Object.entries(attrs).filter(([name]) => !added.includes(name))),
    operands: starts.map((at): OnGrid => [inputs[at], inputs[at + 1], inputs[at + 2] ?? ""]),
    ...(place < 0 ? {} : { weights: place }),
    ...(bias === undefined || !inputs[bias] ? {} : { bias: inputs[bias] }),
    ...(inputs[output] ? { output: [inputs[output], inputs[output + 1] ?? ""] } : {}),
    plain: "from" in operands ? [] : inputs.slice(0, operands[0]),
  };
}

/** Lists the grids in an operator on codes; none in any other. */
export function gridsOfForm({ op, inputs }: Pick<Node, "op" | "inputs">): readonly GridOfForm[] {
  if (op === "MatMulIntegerToFloat") {
    const [a, b, scaleA, scaleB, zeroA, zeroB] = inputs;
    return [
      { role: "activations", codes: a, scale: scaleA, zeroPoint: zeroA },
      { role: "weights", codes: b, scale: scaleB, zeroPoint: zeroB },
    ];
  }
  const places = BY_FORM.get(op)?.places;
  if (places === undefined) return [];
  const { operands, weights, bias, output } = places;
  const starts = "from" in operands ? everyThird(operands.from, inputs.length) : operands;
  const grid = (at: number) => ({ scale: inputs[at], zeroPoint: inputs[at + 1] });
  return [
    ...starts.map((at): GridOfForm => ({
      role: at === weights ? "weights" : "activations",
      codes: inputs[at],
      ...grid(at + 1),
    })),
    ...(bias === undefined || !inputs[bias] ? [] : [{ role: "bias", codes: inputs[bias] } as const]),
    ...(inputs[output] ? [{ role: "activations", ...grid(output) } as const] : []),
  ];
}

function everyThird(from: number, end: number): readonly number[] {
  return Array.from({ length: Math.floor((end - from) / 3) }, (_, i) => from + 3 * i);
}

/** Inputs that are left out at the end are not written. */
function withoutTail(inputs: readonly string[]): readonly string[] {
  return inputs.slice(0, inputs.findLastIndex((name) => name !== "") + 1);
}

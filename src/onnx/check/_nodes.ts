/** Rules about single nodes: operator, domain, opset, arity, attributes, quantization parameters. */
import { fitsKind } from "../file/encode.ts";
import type { Problem, Rule } from "./problem.ts";
import type { Graph, Node, Tensor } from "../graph.ts";
import { type OpSchema, schemaOf } from "../schema/mod.ts";

/** Checks every node against the schema of its operator. */
export function checkNodes(graph: Graph, opset: number): readonly Problem[] {
  return graph.nodes.flatMap((node) => {
    const where = `node "${node.name}"`;
    return [...checkNode(node, opset), ...checkGrid(node, graph)].map(([rule, message]) => ({ rule, where, message }));
  });
}

type Finding = readonly [rule: Rule, message: string];

function checkNode(node: Node, opset: number): readonly Finding[] {
  if (node.domain !== undefined && node.domain !== "com.microsoft") {
    return [["domain", `its domain is "${node.domain}", needed is none or "com.microsoft"`]];
  }
  const schema = schemaOf(node.op, node.domain ?? "");
  if (schema === undefined) {
    const elsewhere = schemaOf(node.op)?.domain;
    const hint = node.domain === undefined && elsewhere !== undefined ? `; domain "${elsewhere}" has one` : "";
    return [["operator", `no schema describes ${node.op} of domain "${node.domain ?? ""}"${hint}`]];
  }
  return [...checkSince(node, schema, opset), ...checkArity(node, schema), ...checkAttrs(node, schema)];
}

function checkSince(node: Node, schema: OpSchema, opset: number): readonly Finding[] {
  if (schema.domain !== undefined) return [];
  const later = Object.entries(schema.laterAttrs ?? {}).filter(([name]) => name in node.attrs);
  const since = Math.max(schema.since, ...later.map(([, opset]) => opset));
  if (schema.until !== undefined && opset > schema.until) {
    return [["opset", `this form of ${node.op} ends with opset ${schema.until}, the graph has ${opset}`]];
  }
  if (since <= opset) return [];
  return [["opset", `this form of ${node.op} needs opset ${since}, the graph has ${opset}`]];
}

function checkArity(node: Node, schema: OpSchema): readonly Finding[] {
  const findings: Finding[] = [];
  const [least, most] = schema.inputs;
  const inputs = node.inputs.length;
  if (inputs < least || inputs > most) {
    findings.push(["arity", `${node.op} has ${inputs} inputs, needed are ${least} to ${most}`]);
  }
  const [fewest, greatest] = schema.outputs ?? [1, 1];
  const outputs = node.outputs.length;
  if (outputs < fewest || outputs > greatest) {
    findings.push(["arity", `${node.op} has ${outputs} outputs, needed are ${fewest} to ${greatest}`]);
  }
  if (node.outputs[0] === "") findings.push(["arity", `the first output of ${node.op} is left out`]);
  return findings;
}

function checkAttrs(node: Node, schema: OpSchema): readonly Finding[] {
  return Object.entries(node.attrs).flatMap(([name, value]): readonly Finding[] => {
    const kind = schema.attrs?.[name];
    if (kind === undefined) return [["attribute", `${node.op} has no attribute "${name}"`]];
    if (fitsKind(value, kind)) return [];
    return [["attribute", `attribute "${name}" of ${node.op} is ${JSON.stringify(value)}, needed is ${kind}`]];
  });
}

/** Checks constant scales, and the zero points of biases, which ONNX wants to be 0 (DequantizeLinear of int32). */
function checkGrid(node: Node, graph: Graph): readonly Finding[] {
  if (node.op !== "QuantizeLinear" && node.op !== "DequantizeLinear") return [];
  const findings: Finding[] = [];
  const scale = graph.initializers.get(node.inputs[1]);
  if (scale?.dtype === "float32" && elements(scale).some((x) => !(Number(x) > 0))) {
    findings.push(["scale", `its scale "${node.inputs[1]}" is not greater than 0`]);
  }
  const zeroPoint = graph.initializers.get(node.inputs[2]);
  if (zeroPoint?.dtype === "int32" && elements(zeroPoint).some((x) => Number(x) !== 0)) {
    findings.push(["bias zero point", `its zero point "${node.inputs[2]}" is int32 and not 0`]);
  }
  return findings;
}

function elements({ data }: Tensor): readonly (number | bigint)[] {
  return Array.from<number | bigint>(data as Float32Array);
}

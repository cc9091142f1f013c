/**
 * Fused operators in their parts: a convolution or a product, the bias, the activation.
 *
 * The last part has the name of the whole, so that names of values stay; those before it are called after it.
 */
import type { JsonObject } from "../_model_json.ts";
import { freeName, type GraphNode, type GraphNodes } from "./_topology.ts";

/** What is left of each without what was fused into it. */
const BARE: Readonly<Record<string, string>> = {
  _FusedConv2D: "Conv2D",
  FusedDepthwiseConv2dNative: "DepthwiseConv2dNative",
  _FusedMatMul: "MatMul",
};

/** Activations that TensorFlow.js knows in fused operators. */
const ACTIVATIONS = new Set(["Relu", "Relu6", "Elu", "Sigmoid", "LeakyRelu", "Prelu"]);

/** Takes fused operators apart; what is fused otherwise than TensorFlow.js knows stays, for it to say so. */
export function unfuse(nodes: GraphNodes): GraphNodes {
  return new Map([...nodes.values()].flatMap((node) => partsOf(node, nodes)).map((node) => [node.name, node]));
}

/**
 * Takes those apart that TensorFlow.js 4.22 misreads: its table of attributes has no slope for leaky ReLUs of depthwise
 * convolutions, whose answers below 0 are no numbers then.
 */
export function unfuseMisread(nodes: GraphNodes): GraphNodes {
  const isMisread = ({ op, attr }: GraphNode) =>
    op === "FusedDepthwiseConv2dNative" && textsOf(attr.fused_ops).includes("LeakyRelu");
  const parts = [...nodes.values()].flatMap((node) => isMisread(node) ? partsOf(node, nodes) : [node]);
  return new Map(parts.map((node) => [node.name, node]));
}

function partsOf(node: GraphNode, nodes: GraphNodes): readonly GraphNode[] {
  const { name, op, inputs, attr } = node;
  const fused = Object.hasOwn(BARE, op) ? textsOf(attr.fused_ops) : [];
  const isPlain = fused.length > 0 && textOf(attr.data_format) !== "NCHW" &&
    fused.every((part, i) => ACTIVATIONS.has(part) || (part === "BiasAdd" && i === 0));
  const extra = inputs.slice(2);
  const readsMore = fused.filter((part) => part === "BiasAdd" || part === "Prelu").length;
  if (!isPlain || extra.length !== readsMore) return [node];
  const ops = [BARE[op], ...fused];
  const names = ops.map((part, i) => i === ops.length - 1 ? name : freeName(`${name}/${part}`, nodes));
  let at = 0;
  return ops.map((part, i): GraphNode => {
    if (i === 0) return { name: names[0], op: part, inputs: inputs.slice(0, 2), attr };
    const more = part === "BiasAdd" || part === "Prelu" ? [extra[at++]] : [];
    return { name: names[i], op: part, inputs: [names[i - 1], ...more], attr: attrOf(part, attr) };
  });
}

function attrOf(part: string, { T, leakyrelu_alpha: alpha }: JsonObject): JsonObject {
  const type = T === undefined ? {} : { T };
  return part === "LeakyRelu" && alpha !== undefined ? { ...type, alpha } : type;
}

function textsOf(attr: unknown): readonly string[] {
  const list: unknown = Object(Object(attr).list).s;
  return Array.isArray(list) ? list.map(decode) : [];
}

/** Returns an attribute that is a text; undefined if it is not there. */
export function textOf(attr: unknown): string | undefined {
  const text: unknown = Object(attr).s;
  return text === undefined ? undefined : decode(text);
}

/** Texts are in base64, or lists of codes. */
function decode(text: unknown): string {
  if (Array.isArray(text)) return String.fromCharCode(...text.map(Number));
  try {
    return atob(String(text));
  } catch {
    return "";
  }
}

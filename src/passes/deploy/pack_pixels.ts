/**
 * Lets a convolution of pictures read several pixels of a row as one: fewer, longer copies, and the same codes.
 *
 * ONNX Runtime's int8 convolution gathers, for every place of its answer, the pixels of the window one by one, and a pixel of
 * a picture is three bytes: in a first convolution that takes longer than all of its products. In memory the rows of a picture
 * are [width, channels], so that b pixels are one of b · channels without moving a byte. A convolution with a stride of s over
 * such blocks gives b / s places of a row at once, in as many groups of channels, and those too are the places of a row one
 * after the other. Its weights are the old ones where they belong and 0 elsewhere, so the sums are of the same products.
 *
 *     q [n, h, w, c] → Transpose → Conv k×k → Q → …
 *     q [n, h, w, c] → Reshape [n, h, w/b, b·c] → Transpose → Conv k×K → Q → Transpose → Reshape [n, h', w', o] → Transpose → …
 *
 * ONNX Runtime's own layouts make the transposes vanish. How many pixels make a block is what takes the least time by the
 * costs below, measured on one thread of a CPU with AVX-512 VNNI: on yolov3_tiny's first convolution (320×320, 3×3 to 16
 * channels) 4.8 ms with blocks of one and 1.4 with blocks of four.
 */
import { allocate, type TypedArray } from "../../numbers/dtype.ts";
import type { Dim, Graph, Node, Tensor } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** Nanoseconds to copy a pixel of a window, and to add a product. */
const COPY = 4.5;
const PRODUCT = 0.01;

/** Pixels of a block that are tried. */
const BLOCKS = [2, 4, 8, 16] as const;

/** What is to be gained at the least, as a share of what the convolution takes. */
const GAIN = 0.25;

/** Why nothing is packed where nothing could be. */
const NO_CONVOLUTION = "the file has no convolution that could read several pixels as one";

/** Packs the pixels of convolutions that read a quantized picture. */
export const packPixels: Pass = definePass({ name: "packPixels", rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const convs = graph.nodes.filter(({ op }) => op === "Conv");
  // Of a whole graph there is no node to say it of but the first.
  if (convs.length === 0 && graph.nodes.length > 0) decline(graph.nodes[0], NO_CONVOLUTION);
  const heads = new Map(convs.map((conv) => [conv, headOf(conv, { graph, index })]));
  const first = [...heads.values()].every((head) => head === undefined) ? convs[0] : undefined;
  if (first !== undefined) {
    decline(first, "it does not read the codes of pictures of several channels, in the layout nhwc");
  }
  return convs.reduce((current, node) => {
    const head = heads.get(node);
    if (head === undefined) return current;
    const tail = tailOf(node, index);
    const plan = tail === undefined ? undefined : planFor(node, { head, graph });
    if (tail === undefined) decline(node, "what it gives is not put on one grid");
    else if (plan === undefined) decline(node, "no number of pixels fits its rows and is sooner");
    else return packed(current, { conv: node, head, tail, plan });
    return current;
  }, graph);
}

/** What stands between a picture and the convolution: codes → DequantizeLinear → Transpose → Q → DQ. */
interface Head {
  readonly codes: string;
  readonly dequantize: Node;
  readonly between: readonly Node[];
  /** [n, h, w, c]. */
  readonly shape: readonly [Dim, number, number, number];
}

interface Surroundings {
  readonly graph: Graph;
  readonly index: Index;
}

/** Finds the picture that a convolution reads, if it is one in TF.js's layout that nobody else reads on the way. */
function headOf(conv: Node, { graph, index }: Surroundings): Head | undefined {
  const { group = 1 } = conv.attrs;
  const weights = index.producer(conv.inputs[1]);
  const areCodes = weights?.op === "DequantizeLinear" && index.constant(weights.inputs[0])?.shape.length === 4;
  if (group !== 1 || !areCodes) return undefined;
  const chain: Node[] = [];
  let value = conv.inputs[0];
  for (const op of ["DequantizeLinear", "QuantizeLinear", "Transpose", "DequantizeLinear"]) {
    const node = index.producer(value);
    if (node?.op !== op || index.soleUse(value) === undefined) return undefined;
    chain.unshift(node);
    value = node.inputs[0];
  }
  const [dequantize, transpose] = chain;
  if (`${transpose.attrs.perm}` !== "0,3,1,2" || !isPicture(value, { graph, index })) return undefined;
  const shape = graph.types.get(value)?.shape ?? [];
  const [, ...sides] = shape;
  if (shape.length !== 4 || !sides.every((side) => typeof side === "number")) return undefined;
  return { codes: value, dequantize, between: chain.slice(1), shape: shape as Head["shape"] };
}

/** Whether codes are the graph's input, or what a quantizer makes of it. */
function isPicture(codes: string, { graph, index }: Surroundings): boolean {
  const quantize = index.producer(codes);
  if (quantize === undefined) return graph.inputs.includes(codes);
  let source = quantize.op === "QuantizeLinear" ? quantize.inputs[0] : "";
  // Raw pixels are normalized first.
  for (
    let node = index.producer(source);
    node !== undefined && ARITHMETIC.has(node.op);
    node = index.producer(source)
  ) {
    source = node.inputs[0];
  }
  return graph.inputs.includes(source);
}

const ARITHMETIC = new Set(["Cast", "Sub", "Div", "Mul"]);

/** What stands between the convolution and its codes. */
interface Tail {
  /** An activation, or nothing. */
  readonly between: readonly Node[];
  readonly quantize: Node;
}

function tailOf(conv: Node, index: Index): Tail | undefined {
  const between: Node[] = [];
  for (let value = conv.outputs[0];;) {
    const node = index.soleUse(value);
    if (node?.op === "QuantizeLinear") {
      return index.constant(node.inputs[1])?.data.length === 1 ? { between, quantize: node } : undefined;
    }
    if (node === undefined || !(node.op === "Relu" || node.op === "Clip")) return undefined;
    between.push(node);
    value = node.outputs[0];
  }
}

/** How a convolution is packed. */
interface Plan {
  /** Pixels that are read as one. */
  readonly block: number;
  /** Places of a row that come at once. */
  readonly phases: number;
  /** Columns of the kernel, in blocks, and those that lie before the first block. */
  readonly columns: number;
  readonly before: number;
  readonly after: number;
  /** Rows and columns of the answer, in places. */
  readonly rows: number;
  readonly places: number;
}

interface Sizes {
  readonly head: Head;
  readonly graph: Graph;
}

function planFor(conv: Node, sizes: Sizes): Plan | undefined {
  const { graph, head: { shape: [, , , channels] } } = sizes;
  const filters = Number(graph.types.get(conv.outputs[0])!.shape[1]);
  const [kernelRows, kernelColumns] = conv.attrs.kernel_shape as readonly number[];
  const costOf = ({ block, phases, columns, rows, places }: Plan) => {
    const pixels = rows * (places / phases) * kernelRows * columns;
    return pixels * (COPY + PRODUCT * block * channels * phases * filters);
  };
  const plain: Plan = { ...planOf(conv, 1, sizes)!, columns: kernelColumns, phases: 1 };
  const plans = BLOCKS.map((block) => planOf(conv, block, sizes)).filter((plan) => plan !== undefined);
  const [best] = plans.toSorted((a, b) => costOf(a) - costOf(b));
  return best !== undefined && costOf(best) <= (1 - GAIN) * costOf(plain) ? best : undefined;
}

/** Blocks of `block` pixels; undefined if rows cannot be taken apart into such. A block of one is always possible. */
function planOf(conv: Node, block: number, { graph, head: { shape: [, , width] } }: Sizes): Plan | undefined {
  const { kernel_shape, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0] } = conv.attrs;
  const [, columns] = kernel_shape as readonly number[];
  const [, stride] = strides as readonly number[];
  const [, dilation] = dilations as readonly number[];
  const [, left] = pads as readonly number[];
  const [, , rows, places] = graph.types.get(conv.outputs[0])!.shape.map(Number);
  const phases = block === 1 ? 1 : block / stride;
  if (width % block !== 0 || !Number.isInteger(phases) || places % phases !== 0) return undefined;
  const first = Math.floor(-left / block);
  const last = Math.floor(((phases - 1) * stride - left + (columns - 1) * dilation) / block);
  const spanned = last - first + 1;
  const after = places / phases - 1 + spanned - width / block + first;
  if (block > 1 && after < 0) return undefined;
  return { block, phases, columns: spanned, before: -first, after, rows, places };
}

interface Packing {
  readonly conv: Node;
  readonly head: Head;
  readonly tail: Tail;
  readonly plan: Plan;
}

function packed(graph: Graph, packing: Packing): Graph {
  const { conv, head, tail: { between, quantize } } = packing;
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (node === head.dequantize) out.push(blocked(out, packing));
    else if (node === conv) out.push(convolution(out, packing));
    else if (node === quantize) spread(out, packing);
    else out.push(node);
  }
  const { plan: { block, phases, rows, places }, head: { shape: [batch, height, width, channels] } } = packing;
  const inside = [batch, block * channels, height, width / block];
  setShape(out, head.dequantize.outputs[0], [batch, height, width / block, block * channels]);
  for (const { outputs } of head.between) setShape(out, outputs[0], inside);
  const filters = Number(graph.types.get(conv.outputs[0])!.shape[1]);
  for (const { outputs } of [conv, ...between]) {
    setShape(out, outputs[0], [batch, phases * filters, rows, places / phases]);
  }
  return removeDeadNodes(out.finish());
}

function setShape(out: GraphWriter, name: string, shape: readonly Dim[]): void {
  out.types.set(name, { ...out.types.get(name)!, shape });
}

/** Puts blocks in the place of pixels; returns the DequantizeLinear that reads them. */
function blocked(out: GraphWriter, { conv, head, plan: { block } }: Packing): Node {
  const { codes, dequantize, shape: [batch, height, width, channels] } = head;
  const shape = [batch, height, width / block, block * channels];
  const blocks = reshape(out, codes, { shape, like: conv });
  return { ...dequantize, inputs: [blocks, ...dequantize.inputs.slice(1)] };
}

/** Reshapes codes. */
function reshape(
  out: GraphWriter,
  codes: string,
  { shape, like: { layer, name }, output = out.fresh(`${name}/blocks`) }: {
    readonly shape: readonly Dim[];
    readonly like: Node;
    readonly output?: string;
  },
): string {
  const dims = out.ints(`${name}/sides`, shape.map((side) => typeof side === "number" ? side : -1));
  out.append({
    op: "Reshape",
    domain: undefined,
    name: out.fresh(`${name}/Reshape`),
    inputs: [codes, dims],
    outputs: [output],
    attrs: {},
    layer,
    // A symbolic batch is no number, as static types are.
    types: [{ dtype: out.types.get(codes)!.dtype, shape: shape as readonly number[] }],
  });
  return output;
}

/** Puts the places of a row that come at once beside each other. */
function spread(out: GraphWriter, { conv, head: { shape: [batch] }, tail: { quantize }, plan }: Packing): void {
  const { phases, rows, places } = plan;
  const [codes] = quantize.outputs;
  const { dtype, shape: [, filters] } = out.types.get(codes)!;
  const grid = quantize.inputs.slice(1);
  const together = out.fresh(`${codes}/together`);
  out.types.set(together, { dtype, shape: [batch, phases * Number(filters), rows, places / phases] });
  out.push({ ...quantize, outputs: [together] });
  const inRows = transposed(out, together, { grid, perm: [0, 2, 3, 1], like: conv });
  const apart = reshape(out, inRows, { shape: [batch, rows, places, Number(filters)], like: conv });
  transposed(out, apart, { grid, perm: [0, 3, 1, 2], like: conv, output: codes });
}

/** DequantizeLinear → Transpose → QuantizeLinear, as movements of codes are written. */
function transposed(
  out: GraphWriter,
  codes: string,
  { grid, perm, like: { layer, name }, output = out.fresh(`${codes}/moved`) }: {
    readonly grid: readonly string[];
    readonly perm: readonly number[];
    readonly like: Node;
    readonly output?: string;
  },
): string {
  const { dtype, shape } = out.types.get(codes)!;
  const moved = perm.map((axis) => shape[axis]) as readonly number[];
  const step = (op: string, inputs: readonly string[], to: { readonly output: string; readonly type: object }) => {
    out.append({
      op,
      domain: undefined,
      name: out.fresh(`${name}/${op}`),
      inputs,
      outputs: [to.output],
      attrs: op === "Transpose" ? { perm } : {},
      layer,
      types: [to.type as { dtype: "float32"; shape: readonly number[] }],
    });
    return to.output;
  };
  const [real, turned] = [out.fresh(`${codes}/real`), out.fresh(`${codes}/turned`)];
  step("DequantizeLinear", [codes, ...grid], { output: real, type: { dtype: "float32", shape } });
  step("Transpose", [real], { output: turned, type: { dtype: "float32", shape: moved } });
  return step("QuantizeLinear", [turned, ...grid], { output, type: { dtype, shape: moved } });
}

/** The convolution over blocks. */
function convolution(out: GraphWriter, { conv, plan }: Packing): Node {
  const { kernel_shape, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], ...attrs } = conv.attrs;
  const [rows] = kernel_shape as readonly number[];
  const [stride] = strides as readonly number[];
  const [above, , below] = pads as readonly number[];
  const [dilation] = dilations as readonly number[];
  const [x, ...parameters] = conv.inputs;
  const [weights, bias] = parameters.map((name, i) =>
    withConstants(
      out,
      name,
      (tensor) =>
        i === 0 && tensor.shape.length === 4 ? weightsOf(tensor, out, { conv, plan }) : repeated(tensor, plan.phases),
    )
  );
  return {
    ...conv,
    inputs: [x, weights, ...(bias === undefined ? [] : [bias])],
    attrs: {
      ...attrs,
      kernel_shape: [rows, plan.columns],
      strides: [stride, 1],
      pads: [above, plan.before, below, plan.after],
      dilations: [dilation, 1],
    },
  };
}

/** Makes other constants of those that a value is, or is dequantized from. */
function withConstants(out: GraphWriter, name: string, change: (tensor: Tensor) => Tensor): string {
  const changed = (name: string) => {
    const tensor = out.initializers.get(name)!;
    const { dtype, shape, data } = change(tensor);
    return data === tensor.data ? name : out.constant(`${name}_packed`, dtype, shape, data);
  };
  if (out.initializers.has(name)) return changed(name);
  const at = out.nodes.findIndex(({ outputs }) => outputs[0] === name);
  const node = out.nodes[at];
  const output = out.fresh(`${name}/packed`);
  const inputs = node.inputs.map(changed);
  out.types.set(output, { dtype: "float32", shape: out.initializers.get(inputs[0])!.shape });
  out.push({ ...node, name: out.fresh(`${node.name}/packed`), inputs, outputs: [output] });
  return output;
}

/** One number a filter, for each of the places that come at once. */
function repeated(tensor: Tensor, times: number): Tensor {
  const { dtype, shape, data } = tensor;
  if (shape.length !== 1 || times === 1) return tensor;
  const all = allocate(dtype, data.length * times) as Float32Array;
  for (let i = 0; i < times; i++) all.set(data as Float32Array, i * data.length);
  return { dtype, shape: [data.length * times], data: all };
}

/** Weights [filters, channels, rows, columns] where blocks have them. */
function weightsOf(
  { dtype, shape, data }: Tensor,
  out: GraphWriter,
  { conv, plan }: Pick<Packing, "conv" | "plan">,
): Tensor {
  const { block, phases, columns: spanned, before } = plan;
  const [filters, channels, rows, columns] = shape;
  const { strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] } = conv.attrs;
  const [[, stride], [, left], [, dilation]] = [strides, pads, dilations] as readonly (readonly number[])[];
  const packedShape = [phases * filters, block * channels, rows, spanned];
  const all = allocate(dtype, packedShape.reduce((product, side) => product * side, 1)) as Float32Array;
  const zeros = zerosOf(conv.inputs[1], out);
  if (zeros !== undefined) {
    const each = all.length / (phases * filters);
    for (let row = 0; row < phases * filters; row++) {
      all.fill(Number(zeros[zeros.length === 1 ? 0 : row % filters]), row * each, (row + 1) * each);
    }
  }
  let from = 0;
  for (let filter = 0; filter < filters; filter++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, from++) {
          for (let phase = 0; phase < phases; phase++) {
            const pixel = phase * stride - left + column * dilation;
            const at = Math.floor(pixel / block);
            const inBlock = (pixel - at * block) * channels + channel;
            const to = ((phase * filters + filter) * block * channels + inBlock) * rows + row;
            all[to * spanned + at + before] = (data as Float32Array)[from];
          }
        }
      }
    }
  }
  return { dtype, shape: packedShape, data: all };
}

/** The codes that stand for 0, where it is another than 0. */
function zerosOf(weights: string, out: GraphWriter): TypedArray | undefined {
  const dequantize = out.nodes.find(({ outputs }) => outputs[0] === weights);
  return dequantize?.inputs[2] === undefined ? undefined : out.initializers.get(dequantize.inputs[2])?.data;
}

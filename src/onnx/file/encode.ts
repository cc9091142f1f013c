/** Writes graphs as ONNX files. */
import { joinBytes } from "../../numbers/bytes.ts";
import protobuf, { type Writer } from "protobufjs";
import {
  ATTRIBUTE_TYPE,
  AttributeProto,
  DimensionProto,
  type Field,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  StringStringEntryProto,
  tagOf,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TypeProto,
  ValueInfoProto,
} from "./_messages.ts";
import { inPlainWordsSync } from "../../text/plain_errors.ts";
import { codeOf } from "../../numbers/dtype.ts";
import {
  type Attr,
  type AttrKind,
  type Dim,
  type Graph,
  type Node,
  sizeOf,
  type Tensor,
  typeOf,
  type ValueType,
} from "../graph.ts";
import { attrKindsOf } from "../schema/mod.ts";

/** What a model file says besides its graph. */
export interface EncodeOptions {
  /** Version of the default domain; 17 when absent. */
  readonly opset?: number;
  /** 8 when absent, the IR version of ONNX 1.12 (opset 17). */
  readonly irVersion?: number;
  /** The program that the file names as its maker; "tfjs-qat" when absent. */
  readonly producer?: string;
  /** Its version; none when absent. */
  readonly producerVersion?: string;
  /** What the file is, for people; none when absent. */
  readonly doc?: string;
  /** Texts of the user's own, by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Whether the types of the values between nodes are written too. ONNX Runtime needs none; people and viewers do. */
  readonly valueInfo?: boolean;
  /** Whether inputs and outputs are written with their shapes, and not with their element types alone. Default true. */
  readonly portShapes?: boolean;
}

/** Tensors up to this size in bytes are copied with the text around them; larger ones once, into the result. */
const INLINE_BYTES = 1024;

/** protobuf's own limit on a message. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Writes `graph` as the bytes of an ONNX file. Equal graphs give equal bytes.
 *
 * Whether a number attribute is written as int or float is the schema's to say, else the node's own; where neither knows,
 * integers are ints.
 *
 * @throws {TypeError} If an attribute is not what the operator's schema says, or a tensor's elements do not fit its shape.
 * @throws {RangeError} If an input's or output's type is unknown, or the file would exceed protobuf's 2 GiB.
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
  return inPlainWordsSync(() => encode(graph, options));
}

function encode(graph: Graph, options: EncodeOptions): Uint8Array<ArrayBuffer> {
  const { opset = 17, irVersion = 8, producer = "tfjs-qat", metadata = {} } = options;
  const body = graphPieces(graph, options);
  const head = protobuf.Writer.create();
  head.uint32(tagOf(ModelProto.ir_version)).int64(irVersion);
  head.uint32(tagOf(ModelProto.producer_name)).string(producer);
  const bodyLength = body.reduce((sum, piece) => sum + piece.length, 0);
  head.uint32(tagOf(ModelProto.graph)).uint32(bodyLength);
  const tail = protobuf.Writer.create();
  if (options.producerVersion !== undefined) {
    tail.uint32(tagOf(ModelProto.producer_version)).string(options.producerVersion);
  }
  if (options.doc !== undefined) tail.uint32(tagOf(ModelProto.doc_string)).string(options.doc);
  for (const [domain, version] of opsetImports(graph, opset)) {
    tail.uint32(tagOf(ModelProto.opset_import)).fork();
    tail.uint32(tagOf(OperatorSetIdProto.domain)).string(domain);
    tail.uint32(tagOf(OperatorSetIdProto.version)).int64(version).ldelim();
  }
  for (const [key, value] of Object.entries(metadata)) {
    tail.uint32(tagOf(ModelProto.metadata_props)).fork();
    tail.uint32(tagOf(StringStringEntryProto.key)).string(key);
    tail.uint32(tagOf(StringStringEntryProto.value)).string(value).ldelim();
  }
  return join([head.finish(true), ...body, tail.finish(true)], graph.name);
}

function opsetImports(graph: Graph, opset: number): ReadonlyMap<string, number> {
  const versions = new Map([["", opset]]);
  for (const { domain } of graph.nodes) if (domain !== undefined && domain !== "ai.onnx") versions.set(domain, 1);
  return versions;
}

function join(pieces: readonly Uint8Array[], name: string): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > MAX_BYTES) {
    throw new RangeError(`Cannot write graph "${name}": it takes ${length} bytes, protobuf allows ${MAX_BYTES}`);
  }
  return joinBytes(pieces);
}

/** Writes a GraphProto as pieces to be joined, big tensors as views of their own memory. */
function graphPieces(
  graph: Graph,
  { valueInfo = false, portShapes = true }: EncodeOptions,
): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let writer = protobuf.Writer.create();
  for (const node of graph.nodes) writeNode(writer, node);
  writer.uint32(tagOf(GraphProto.name)).string(graph.name);
  for (const [name, tensor] of graph.initializers) {
    const header = tensorHeader(tensor, name);
    const raw = bytesOf(tensor);
    writer.uint32(tagOf(GraphProto.initializer)).uint32(header.length + raw.length).raw(header);
    if (raw.length <= INLINE_BYTES) writer.raw(raw);
    else {
      pieces.push(writer.finish(true), raw);
      writer = protobuf.Writer.create();
    }
  }
  const writePort = (field: Field, name: string) => {
    const { dtype, shape } = typeOf(graph, name);
    writeValueInfo(writer, field, name, portShapes ? { dtype, shape } : { dtype });
  };
  for (const name of graph.inputs) writePort(GraphProto.input, name);
  for (const name of graph.outputs) writePort(GraphProto.output, name);
  if (valueInfo) writeInnerTypes(writer, graph);
  pieces.push(writer.finish(true));
  return pieces;
}

function writeInnerTypes(writer: Writer, graph: Graph): void {
  const outer = new Set(graph.outputs);
  for (const name of graph.nodes.flatMap((node) => node.outputs)) {
    const type = graph.types.get(name);
    if (type !== undefined && !outer.has(name)) writeValueInfo(writer, GraphProto.value_info, name, type);
  }
}

/** Writes a TensorProto up to and including the length of its raw data. */
function tensorHeader(tensor: Tensor, name?: string): Uint8Array {
  if (tensor.data.length !== sizeOf(tensor.shape)) {
    const where = name === undefined ? "a tensor attribute" : `tensor "${name}"`;
    throw new TypeError(`Cannot write ${where}: it has ${tensor.data.length} elements and shape [${tensor.shape}]`);
  }
  const writer = protobuf.Writer.create();
  for (const dim of tensor.shape) writer.uint32(tagOf(TensorProto.dims)).int64(dim);
  writer.uint32(tagOf(TensorProto.data_type)).int32(codeOf(tensor.dtype));
  if (name !== undefined) writer.uint32(tagOf(TensorProto.name)).string(name);
  return writer.uint32(tagOf(TensorProto.raw_data)).uint32(tensor.data.byteLength).finish(true);
}

/** Views a tensor's memory. ONNX wants little-endian, which is what every machine that runs V8 is. */
function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeNode(writer: Writer, node: Node): void {
  writer.uint32(tagOf(GraphProto.node)).fork();
  for (const name of node.inputs) writer.uint32(tagOf(NodeProto.input)).string(name);
  for (const name of node.outputs) writer.uint32(tagOf(NodeProto.output)).string(name);
  writer.uint32(tagOf(NodeProto.name)).string(node.name);
  writer.uint32(tagOf(NodeProto.op_type)).string(node.op);
  const kinds = attrKindsOf(node.op, node.domain ?? "");
  for (const [name, value] of Object.entries(node.attrs)) {
    const kind = kinds?.[name] ?? node.kinds?.[name] ?? guessKind(value);
    if (!fitsKind(value, kind)) {
      const is = JSON.stringify(value);
      throw new TypeError(
        `Cannot write attribute "${name}" of "${node.name}" (${node.op}): it is ${is}, needed is ${kind}`,
      );
    }
    writer.uint32(tagOf(NodeProto.attribute)).fork().uint32(tagOf(AttributeProto.name)).string(name);
    writeAttr(writer, value, kind);
    writer.uint32(tagOf(AttributeProto.type)).int32(ATTRIBUTE_TYPE[kind]).ldelim();
  }
  if (node.domain !== undefined) writer.uint32(tagOf(NodeProto.domain)).string(node.domain);
  writer.ldelim();
}

/** Returns how an attribute is written that no schema knows, as far as its value tells. */
export function guessKind(value: Attr): AttrKind {
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (typeof value === "string") return "string";
  if (isTensor(value)) return "tensor";
  if (value.some((item) => typeof item === "string")) return "strings";
  return value.every(Number.isInteger) ? "ints" : "floats";
}

/** Whether `value` can be written as `kind`. */
export function fitsKind(value: Attr, kind: AttrKind): boolean {
  switch (kind) {
    case "int":
      return Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "tensor":
      return typeof value === "object" && isTensor(value);
    default:
      return Array.isArray(value) && value.every((item) => fitsKind(item, ELEMENT[kind]));
  }
}

const ELEMENT = { ints: "int", floats: "float", strings: "string" } as const;

function isTensor(value: Exclude<Attr, number | string>): value is Tensor {
  return "dtype" in value;
}

/** Writes the value of an attribute that `fitsKind` has passed. */
function writeAttr(writer: Writer, value: Attr, kind: AttrKind): void {
  if (typeof value === "string") writer.uint32(tagOf(AttributeProto.s)).string(value);
  else if (typeof value === "number") {
    if (kind === "int") writer.uint32(tagOf(AttributeProto.i)).int64(value);
    else writer.uint32(tagOf(AttributeProto.f)).float(value);
  } else if (isTensor(value)) {
    const header = tensorHeader(value);
    const raw = bytesOf(value);
    writer.uint32(tagOf(AttributeProto.t)).uint32(header.length + raw.length).raw(header).raw(raw);
  } else {
    for (const item of value) {
      if (typeof item === "string") writer.uint32(tagOf(AttributeProto.strings)).string(item);
      else if (kind === "ints") writer.uint32(tagOf(AttributeProto.ints)).int64(item);
      else writer.uint32(tagOf(AttributeProto.floats)).float(item);
    }
  }
}

function writeValueInfo(
  writer: Writer,
  field: Field,
  name: string,
  { dtype, shape }: Partial<ValueType> & Pick<ValueType, "dtype">,
): void {
  writer.uint32(tagOf(field)).fork().uint32(tagOf(ValueInfoProto.name)).string(name);
  writer.uint32(tagOf(ValueInfoProto.type)).fork().uint32(tagOf(TypeProto.tensor_type)).fork();
  writer.uint32(tagOf(TensorTypeProto.elem_type)).int32(codeOf(dtype));
  if (shape !== undefined) writeShape(writer, shape);
  writer.ldelim().ldelim().ldelim();
}

function writeShape(writer: Writer, shape: readonly Dim[]): void {
  writer.uint32(tagOf(TensorTypeProto.shape)).fork();
  for (const dim of shape) {
    writer.uint32(tagOf(TensorShapeProto.dim)).fork();
    if (typeof dim === "number") writer.uint32(tagOf(DimensionProto.dim_value)).int64(dim);
    else writer.uint32(tagOf(DimensionProto.dim_param)).string(dim);
    writer.ldelim();
  }
  writer.ldelim();
}

/** Reads ONNX files as graphs. */
import protobuf from "protobufjs";
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  type Decoded,
  type GraphProto,
  ModelProto,
  type NodeProto,
  readMessage,
  type TensorProto,
  type ValueInfoProto,
} from "./_messages.ts";
import { allocate, bytesPerElement, type DType, dtypeOfCode, type TypedArray, viewOf } from "../../numbers/dtype.ts";
import { inPlainWordsSync } from "../../text/plain_errors.ts";
import {
  type Attr,
  type Attrs,
  type Dim,
  type Graph,
  type Node,
  sizeOf,
  type Tensor,
  type ValueType,
} from "../graph.ts";

/** Says that bytes are no ONNX file, or one that this project cannot read. */
export class OnnxFileError extends Error {
  /** The class, for errors that cross a border as text. */
  override readonly name = "OnnxFileError";
}

/** A model file's contents. */
export interface Model {
  /** Its graph. */
  readonly graph: Graph;
  /** Versions by domain; "" is the default one. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Version of the file format. */
  readonly irVersion: number;
  /** The program that wrote the file. */
  readonly producer: string;
  /** Its version; "" where the file does not say. */
  readonly producerVersion: string;
  /** What the file says of itself to people; "" where it says nothing. */
  readonly doc: string;
  /** Texts by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the bytes of an ONNX file.
 *
 * Operators may be unknown. Attributes that hold graphs, types or sparse tensors are left out. Values whose type the
 * file leaves open are missing from `types`. Initializers are copied, so `bytes` may be changed afterwards.
 *
 * @throws {OnnxFileError} If the bytes are no ONNX file, end early, or hold what this project cannot represent.
 */
export function decodeModel(bytes: Uint8Array): Model {
  // A Node Buffer would give views where copies are meant.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return inPlainWordsSync(() => {
    try {
      return modelOf(readMessage(new protobuf.Reader(view), ModelProto, view.length));
    } catch (error) {
      if (error instanceof OnnxFileError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new OnnxFileError(`Cannot read the ONNX file: ${why}; needed is a whole ONNX model`, { cause: error });
    }
  });
}

function modelOf(model: Decoded<typeof ModelProto>): Model {
  if (model.graph === undefined) throw new OnnxFileError("Cannot read the ONNX file: it holds no graph");
  return {
    graph: graphOf(model.graph),
    opsets: Object.fromEntries(model.opset_import.map((item) => [item.domain ?? "", item.version ?? 0])),
    irVersion: model.ir_version ?? 0,
    producer: model.producer_name ?? "",
    producerVersion: model.producer_version ?? "",
    doc: model.doc_string ?? "",
    metadata: Object.fromEntries(model.metadata_props.map((item) => [item.key ?? "", item.value ?? ""])),
  };
}

function graphOf(graph: Decoded<typeof GraphProto>): Graph {
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name ?? "", tensorOf(tensor)]));
  const types = new Map<string, ValueType>();
  for (const info of [...graph.value_info, ...graph.input, ...graph.output]) {
    const type = valueTypeOf(info);
    if (type !== undefined) types.set(info.name ?? "", type);
  }
  return {
    name: graph.name ?? "",
    // Files of IR version 3 and before list initializers among the inputs.
    inputs: graph.input.map((info) => info.name ?? "").filter((name) => !initializers.has(name)),
    outputs: graph.output.map((info) => info.name ?? ""),
    initializers,
    nodes: graph.node.map(nodeOf),
    types,
  };
}

function valueTypeOf({ name, type }: Decoded<typeof ValueInfoProto>): ValueType | undefined {
  const tensor = type?.tensor_type;
  const dtype = dtypeOfCode(tensor?.elem_type ?? 0);
  if (dtype === undefined || tensor?.shape === undefined) return undefined;
  const shape = tensor.shape.dim.map((dim, i): Dim => dim.dim_value ?? dim.dim_param ?? `${name}_${i}`);
  return { dtype, shape };
}

function nodeOf(node: Decoded<typeof NodeProto>): Node {
  if (!node.op_type) throw new OnnxFileError(`Cannot read the ONNX file: node "${node.name ?? ""}" has no operator`);
  // Made of entries: assigned, an attribute called "__proto__" would be lost.
  const attrs: Attrs = Object.fromEntries(node.attribute.flatMap((attribute) => {
    const value = attrOf(attribute);
    return value === undefined ? [] : [[attribute.name ?? "", value]];
  }));
  const domain = node.domain === "" || node.domain === "ai.onnx" ? undefined : node.domain;
  return {
    op: node.op_type,
    ...(domain === undefined ? {} : { domain }),
    name: node.name ?? "",
    inputs: node.input,
    outputs: node.output,
    attrs,
  };
}

function attrOf(attribute: Decoded<typeof AttributeProto>): Attr | undefined {
  switch (attribute.type) {
    case ATTRIBUTE_TYPE.float:
      return attribute.f ?? 0;
    case ATTRIBUTE_TYPE.int:
      return attribute.i ?? 0;
    case ATTRIBUTE_TYPE.string:
      return attribute.s ?? "";
    case ATTRIBUTE_TYPE.tensor:
      return attribute.t === undefined ? undefined : tensorOf(attribute.t);
    case ATTRIBUTE_TYPE.floats:
      return attribute.floats;
    case ATTRIBUTE_TYPE.ints:
      return attribute.ints;
    case ATTRIBUTE_TYPE.strings:
      return attribute.strings;
    default:
      return undefined;
  }
}

function tensorOf(tensor: Decoded<typeof TensorProto>): Tensor {
  const name = tensor.name ?? "";
  const dtype = dtypeOfCode(tensor.data_type ?? 0);
  if (dtype === undefined) {
    throw new OnnxFileError(
      `Cannot read tensor "${name}": its element type is number ${tensor.data_type ?? 0}, which is not supported`,
    );
  }
  if (tensor.data_location === 1) {
    throw new OnnxFileError(`Cannot read tensor "${name}": its data lies in another file, needed is one file`);
  }
  const shape = tensor.dims;
  if (shape.some((dim) => dim < 0)) throw new OnnxFileError(`Cannot read tensor "${name}": its shape is [${shape}]`);
  const data = tensor.raw_data === undefined ? typedData(tensor, dtype) : rawData(tensor.raw_data, dtype);
  if (data?.length !== sizeOf(shape)) {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    throw new OnnxFileError(
      `Cannot read tensor "${name}": its elements do not fill ${dtype}[${shape}] (${bytes} bytes)`,
    );
  }
  return { dtype, shape, data };
}

function rawData(raw: Uint8Array, dtype: DType): TypedArray | undefined {
  if (raw.length % bytesPerElement(dtype) !== 0) return undefined;
  const copy = new Uint8Array(raw);
  return viewOf(dtype, copy.buffer);
}

/** Reads the elements from the field that onnx.proto3 assigns to the element type. */
function typedData(tensor: Decoded<typeof TensorProto>, dtype: DType): TypedArray {
  if (dtype === "int64") return BigInt64Array.from(tensor.int64_data);
  if (dtype === "uint64") return BigUint64Array.from(tensor.uint64_data);
  const elements = dtype === "float32"
    ? tensor.float_data
    : dtype === "float64"
    ? tensor.double_data
    : dtype === "uint32"
    ? tensor.uint64_data.map(Number)
    : tensor.int32_data;
  const data = allocate(dtype, elements.length);
  elements.forEach((element, i) => data[i] = element);
  return data;
}

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
import { attrKindsOf } from "../schema/mod.ts";
import { guessKind } from "./encode.ts";
import { allocate, bytesPerElement, type DType, dtypeOfCode, type TypedArray, viewOf } from "../../numbers/dtype.ts";
import { inPlainWordsSync } from "../../text/plain_errors.ts";
import {
  type Attr,
  type AttrKind,
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

/** Says why a file cannot be read, as the end of a sentence that names it: "its tensor "w" cannot be read: …". */
export function reasonOfOnnx({ message }: OnnxFileError): string {
  return message.replace(/^Cannot read the ONNX file: /, "").replace(
    /^Cannot read tensor ("[^"]*"): /,
    "its tensor $1 cannot be read: ",
  );
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

/** Where a tensor's elements lie that are not in the file itself: ExternalDataInfo of onnx.proto3. */
export interface ExternalData {
  /** A path, as the file has it. */
  readonly location: string;
  /** Bytes before the first. */
  readonly offset: number;
  /** Bytes of the tensor. */
  readonly length: number;
}

/** How a file is read. */
export interface DecodeOptions {
  /** Reads what lies elsewhere, all of it. Default: such tensors are refused. */
  readonly external?: (where: ExternalData) => Uint8Array;
}

/**
 * Reads the bytes of an ONNX file.
 *
 * Operators may be unknown. Attributes that hold graphs, types or sparse tensors are left out. Values whose type the
 * file leaves open are missing from `types`. Initializers are copied, so `bytes` may be changed afterwards.
 *
 * @throws {OnnxFileError} If the bytes are no ONNX file, end early, or hold what this project cannot represent.
 */
export function decodeModel(bytes: Uint8Array, { external }: DecodeOptions = {}): Model {
  // A Node Buffer would give views where copies are meant.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return inPlainWordsSync(() => {
    try {
      return modelOf(readMessage(new protobuf.Reader(view), ModelProto, view.length), external);
    } catch (error) {
      if (error instanceof OnnxFileError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new OnnxFileError(`Cannot read the ONNX file: ${why}; needed is a whole ONNX model`, { cause: error });
    }
  });
}

type External = DecodeOptions["external"];

function modelOf(model: Decoded<typeof ModelProto>, external: External): Model {
  if (model.graph === undefined) throw new OnnxFileError("Cannot read the ONNX file: it holds no graph");
  return {
    graph: graphOf(model.graph, external),
    opsets: Object.fromEntries(model.opset_import.map((item) => [item.domain ?? "", item.version ?? 0])),
    irVersion: model.ir_version ?? 0,
    producer: model.producer_name ?? "",
    producerVersion: model.producer_version ?? "",
    doc: model.doc_string ?? "",
    metadata: Object.fromEntries(model.metadata_props.map((item) => [item.key ?? "", item.value ?? ""])),
  };
}

function graphOf(graph: Decoded<typeof GraphProto>, external: External): Graph {
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name ?? "", tensorOf(tensor, external)]));
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
    nodes: graph.node.map((node) => nodeOf(node, external)),
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

function nodeOf(node: Decoded<typeof NodeProto>, external: External): Node {
  if (!node.op_type) throw new OnnxFileError(`Cannot read the ONNX file: node "${node.name ?? ""}" has no operator`);
  // Made of entries: assigned, an attribute called "__proto__" would be lost.
  const attrs: Attrs = Object.fromEntries(node.attribute.flatMap((attribute) => {
    const value = attrOf(attribute, external);
    return value === undefined ? [] : [[attribute.name ?? "", value]];
  }));
  const domain = node.domain === "" || node.domain === "ai.onnx" ? undefined : node.domain;
  const kinds = kindsOf(node, attrs);
  return {
    op: node.op_type,
    ...(domain === undefined ? {} : { domain }),
    name: node.name ?? "",
    inputs: node.input,
    outputs: node.output,
    attrs,
    ...(kinds.length === 0 ? {} : { kinds: Object.fromEntries(kinds) }),
  };
}

/** Lists how attributes are written of which neither a schema nor the value tells: 1 as a float. */
function kindsOf({ op_type, domain, attribute }: Decoded<typeof NodeProto>, attrs: Attrs): [string, AttrKind][] {
  const known = attrKindsOf(op_type ?? "", domain === "ai.onnx" ? "" : domain ?? "");
  return attribute.flatMap(({ name = "", type }): [string, AttrKind][] => {
    const kind = ATTR_KINDS.find((kind) => ATTRIBUTE_TYPE[kind] === type);
    if (kind === undefined || known?.[name] !== undefined || !Object.hasOwn(attrs, name)) return [];
    return kind === guessKind(attrs[name]) ? [] : [[name, kind]];
  });
}

// The keys of a table are strings to TypeScript.
const ATTR_KINDS = Object.keys(ATTRIBUTE_TYPE) as AttrKind[];

function attrOf(attribute: Decoded<typeof AttributeProto>, external: External): Attr | undefined {
  switch (attribute.type) {
    case ATTRIBUTE_TYPE.float:
      return attribute.f ?? 0;
    case ATTRIBUTE_TYPE.int:
      return attribute.i ?? 0;
    case ATTRIBUTE_TYPE.string:
      return attribute.s ?? "";
    case ATTRIBUTE_TYPE.tensor:
      return attribute.t === undefined ? undefined : tensorOf(attribute.t, external);
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

/** TensorProto.DataLocation. */
const EXTERNAL = 1;

function tensorOf(tensor: Decoded<typeof TensorProto>, external: External): Tensor {
  const name = tensor.name ?? "";
  const dtype = dtypeOfCode(tensor.data_type ?? 0);
  if (dtype === undefined) {
    throw new OnnxFileError(
      `Cannot read tensor "${name}": its element type is number ${tensor.data_type ?? 0}, which is not supported`,
    );
  }
  const shape = tensor.dims;
  if (shape.some((dim) => dim < 0)) throw new OnnxFileError(`Cannot read tensor "${name}": its shape is [${shape}]`);
  const raw = tensor.data_location === EXTERNAL
    ? externalBytes(tensor, { external, length: sizeOf(shape) * bytesPerElement(dtype) })
    : tensor.raw_data;
  const data = raw === undefined ? typedData(tensor, dtype) : rawData(raw, dtype);
  if (data?.length !== sizeOf(shape)) {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    throw new OnnxFileError(
      `Cannot read tensor "${name}": its elements do not fill ${dtype}[${shape}] (${bytes} bytes)`,
    );
  }
  return { dtype, shape, data };
}

function externalBytes(
  { name = "", external_data }: Decoded<typeof TensorProto>,
  { external, length }: { readonly external: External; readonly length: number },
): Uint8Array {
  const cannot = (because: string) => new OnnxFileError(`Cannot read tensor "${name}": ${because}`);
  if (external === undefined) throw cannot("its data lies in another file, needed is one file");
  const entries = new Map(external_data.map(({ key = "", value = "" }) => [key, value]));
  const [location, offset, given] = ["location", "offset", "length"].map((key) => entries.get(key));
  if (!location) throw cannot("its data lies in another file, which it does not name");
  const [first, own] = [Number(offset ?? 0), Number(given ?? length)];
  if (!Number.isSafeInteger(first) || first < 0) throw cannot(`its offset in "${location}" is "${offset}"`);
  if (own !== length) throw cannot(`it has ${given} bytes in "${location}", needed are ${length}`);
  try {
    return external({ location, offset: first, length });
  } catch (cause) {
    throw new OnnxFileError(`Cannot read tensor "${name}": ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
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

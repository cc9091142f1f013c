/** What a file says of itself: how its picture goes in, and what its answers mean. */
import type { ImageShape } from "../data/dataset.ts";
import type { Normalize } from "../data/normalize.ts";
import type { PictureFit } from "../data/sources/picture_files.ts";
import { decodeModel, type Graph, type Model, OnnxFileError, reasonOfOnnx } from "../src/onnx/mod.ts";
import { JsonError, parseJson } from "../src/text/json.ts";
import { Fields } from "../src/text/fields.ts";
import { lookUp } from "../src/text/nearest.ts";

/** The input that pictures go into. */
export interface FileInput extends ImageShape {
  readonly name: string;
  readonly layout: "nhwc" | "nchw";
  readonly fit: PictureFit;
  /** What is done to pixels from 0 to 1; absent: the file takes bytes. */
  readonly normalize?: Normalize;
}

/** An output, and how it is read. */
export interface FileOutput {
  readonly name: string;
  /** The task that it answers. */
  readonly task: string;
  /** Shape of one answer. */
  readonly shape: readonly number[];
  /** What its task says of its numbers. */
  readonly decoding: Fields;
  /** The operator that it ends in, such as "Softmax". */
  readonly endsIn: string;
}

/** What a file says. */
export interface FileDescription {
  readonly input: FileInput;
  /** Those that are read, in the file's order. */
  readonly outputs: readonly [FileOutput, ...FileOutput[]];
  /** What it was made for; absent where it does not say. */
  readonly target?: string;
}

/**
 * Reads what a file says of itself.
 *
 * @param name What it is called in errors.
 * @throws {OnnxFileError} If it is no ONNX file; another that jobs leave is told by what it is.
 * @throws {RangeError} If it does not say how it is fed and read, or its input is no picture.
 */
export function describeFile(bytes: Uint8Array, name: string): FileDescription {
  const cannot = `Cannot predict with "${name}"`;
  const { graph, metadata } = decode(bytes, cannot);
  const inputs = partOf(metadata, "inputs", cannot);
  const outputs = partOf(metadata, "outputs", cannot);
  const { target } = metadata;
  return {
    input: readInput(inputs, graph),
    outputs: readOutputs(outputs, graph),
    ...(target === undefined ? {} : { target }),
  };
}

function decode(bytes: Uint8Array, cannot: string): Model {
  try {
    return decodeModel(bytes);
  } catch (cause) {
    if (!(cause instanceof OnnxFileError)) throw cause;
    const other = otherFormat(bytes);
    const because = other === undefined ? reasonOfOnnx(cause) : `it is ${other}, ${NEEDED}`;
    throw new OnnxFileError(`${cannot}: ${because}`, { cause });
  }
}

const NEEDED = "an ONNX file of deno task qat or ptq is needed";

/** Says what a file is that is no ONNX file, where its first bytes tell. */
function otherFormat(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, FIRST_BYTES));
  // The identifier of ONNX Runtime's schema, where flatbuffers have theirs.
  if (text.startsWith("ORTM", 4)) return "in ONNX Runtime's own format (.ort)";
  if (/^(\xef\xbb\xbf)?\s*\{/.test(text)) {
    return /"modelTopology"/.test(text) ? "a TF.js model (model.json)" : "a JSON file, as TF.js models are";
  }
  return undefined;
}

/** Bytes that tell what a file is. */
const FIRST_BYTES = 1024;

function partOf(metadata: Readonly<Record<string, string>>, key: "inputs" | "outputs", cannot: string): Fields {
  const text = lookUp(metadata, key);
  if (text === undefined) {
    const [what, is] = key === "inputs" ? ["is fed", "inputs"] : ["is read", "outputs"];
    throw new RangeError(
      `${cannot}: it does not say how it ${what} (there is no "${is}" in its metadata), ` +
        "a file of deno task qat or ptq is needed",
    );
  }
  try {
    return new Fields(parseJson(text), cannot, key);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new RangeError(`${cannot}: its metadata "${key}" cannot be read: ${cause.message}`, { cause });
  }
}

function readInput(inputs: Fields, graph: Graph): FileInput {
  const { cannot } = inputs;
  const [name, ...others] = inputs.keys;
  if (name === undefined || others.length > 0 || graph.inputs.length !== 1) {
    const count = Math.max(inputs.keys.length, graph.inputs.length);
    throw new RangeError(`${cannot}: it has ${count} inputs, one that takes a picture is needed`);
  }
  if (graph.inputs[0] !== name) {
    throw new RangeError(`${cannot}: its input is "${graph.inputs[0]}", its metadata speaks of "${name}"`);
  }
  const fields = inputs.object(name);
  const kind = fields.text("kind", ["image", "numbers", "series", "tokens"]);
  if (kind !== "image") {
    const is = { numbers: "rows of numbers", series: "sequences of rows", tokens: "sequences of tokens" }[kind];
    throw new RangeError(`${cannot}: its input "${name}" takes ${is}, one that takes a picture is needed`);
  }
  const shape = readShape(fields);
  const layout = fields.text("layout", ["nhwc", "nchw"]);
  checkShape(graph, name, { cannot, shape, layout });
  const isRaw = fields.has("dtype") && fields.text("dtype", ["uint8", "float32"]) === "uint8";
  return {
    name,
    ...shape,
    layout,
    fit: fields.has("fit") ? fields.text("fit", ["stretch", "letterbox"]) : "stretch",
    ...(isRaw ? {} : { normalize: readNormalize(fields, shape.channels) }),
  };
}

/** More pixels go into no model. */
const LONGEST_SIDE = 16_384;

function readShape(fields: Fields): ImageShape {
  const numbers = fields.numbers("shape");
  const [height, width, channels] = numbers;
  const areSides = [height, width].every((side) => Number.isInteger(side) && side >= 1 && side <= LONGEST_SIDE);
  if (numbers.length !== 3 || !areSides || (channels !== 1 && channels !== 3)) {
    return fields.refuse("shape", "height, width and 1 or 3 channels are needed");
  }
  return { height, width, channels };
}

function checkShape(graph: Graph, name: string, { cannot, shape, layout }: {
  readonly cannot: string;
  readonly shape: ImageShape;
  readonly layout: FileInput["layout"];
}): void {
  const { height, width, channels } = shape;
  const wanted = layout === "nhwc" ? [height, width, channels] : [channels, height, width];
  const [, ...own] = graph.types.get(name)?.shape ?? [];
  if (own.join() === wanted.join()) return;
  throw new RangeError(`${cannot}: its input "${name}" is [n,${own}], its metadata says [n,${wanted}]`);
}

function readNormalize(fields: Fields, channels: number): Normalize {
  const [mean, std] = [fields.numbers("mean"), fields.numbers("std")];
  const isOne = (list: readonly number[]) => list.length === 1 || list.length === channels;
  if (!isOne(mean)) fields.refuse("mean", `1 or ${channels} numbers are needed`);
  if (!isOne(std) || !std.every((x) => x > 0)) fields.refuse("std", `1 or ${channels} numbers above 0 are needed`);
  const ends = mean.flatMap((m) => std.flatMap((s) => [0, 1].map((p) => Math.fround((p - m) / s))));
  if (!ends.every(Number.isFinite)) fields.refuse("std", "numbers that keep pixels within float32 are needed");
  return { text: `${mean}:${std}`, mean, std };
}

function readOutputs(outputs: Fields, graph: Graph): FileDescription["outputs"] {
  const { cannot } = outputs;
  const found = graph.outputs.filter((name) => outputs.has(name)).map((name): FileOutput => {
    const decoding = outputs.object(name);
    const [, ...shape] = graph.types.get(name)?.shape ?? [];
    if (!shape.every((dim) => typeof dim === "number")) {
      throw new RangeError(`${cannot}: its output "${name}" is [n,${shape}], a shape without open sides is needed`);
    }
    return { name, task: decoding.text("task"), shape, decoding, endsIn: endOf(graph, name) };
  });
  const missing = outputs.keys.find((name) => !graph.outputs.includes(name));
  if (missing !== undefined) {
    throw new RangeError(`${cannot}: it has no output "${missing}", of which its metadata speaks`);
  }
  const [first, ...rest] = found;
  if (first !== undefined) return [first, ...rest];
  throw new RangeError(
    `${cannot}: it does not say what its answers mean (no task in its metadata), as of a model that was quantized ` +
      "without --data; a file of a job with data is needed",
  );
}

/** Operators that only bring values into another form. */
const MOVES = new Set(["Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Reshape", "Squeeze", "Transpose"]);

/** Names the operator that computes a value, without those that only bring it into another form. */
function endOf({ nodes }: Graph, output: string): string {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let node = makers.get(output);
  for (let steps = 0; node !== undefined && MOVES.has(node.op) && steps < nodes.length; steps++) {
    node = makers.get(node.inputs[0]);
  }
  return node?.op ?? "";
}

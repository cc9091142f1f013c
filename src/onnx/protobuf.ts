/** ONNX files: graphs to bytes and back. */
export { encodeModel, type EncodeOptions } from "./_encode.ts";
export { decodeModel, type Model, OnnxFileError } from "./_decode.ts";

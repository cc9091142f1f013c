/** ONNX files: graphs to bytes and back. */
export { encodeModel, type EncodeOptions } from "./encode.ts";
export { decodeModel, type Model, OnnxFileError } from "./decode.ts";

/** ONNX files: graphs to bytes and back. */
export { encodeModel, type EncodeOptions } from "./encode.ts";
export {
  decodeModel,
  type DecodeOptions,
  type ExternalData,
  type Model,
  OnnxFileError,
  reasonOfOnnx,
} from "./decode.ts";

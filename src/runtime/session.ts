/**
 * The port to ONNX Runtime: sessions that run synchronously, on typed arrays.
 *
 * Source: onnxruntime-node 1.30, dist/backend.js. Its public `InferenceSession` wraps the same binding in promises;
 * TF.js's `dataSync` needs the synchronous form.
 */
import { type DType, dtypeOfCode, type TypedArray } from "../numbers/dtype.ts";
import { type Binding, binding, initOrt, ort } from "./library.ts";

/** Version of ONNX Runtime. */
export const ORT_VERSION: string = ort.env.versions.node ?? ort.env.versions.common;

/** A tensor's elements as they pass in and out of a session, row-major. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** A session's input or output. Dimensions that are not fixed are -1. */
export interface PortInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where sessions can run: ONNX Runtime's execution providers, by the names that its options take. */
export const DEVICES = ["cpu", "webgpu", "cuda", "coreml"] as const;

/** An execution provider. */
export type Device = (typeof DEVICES)[number];

/** How a session is made. */
export interface SessionOptions {
  /**
   * Where operators run. Default "cpu". Operators that another device does not have run on the CPU all the same, without
   * a word: {@linkcode providersOf} tells.
   */
  readonly device?: Device;
  /** Threads inside one operator. Default: as many as ONNX Runtime chooses. */
  readonly threads?: number;
  /** Graph optimizations. QDQ pairs fuse into int8 kernels from "extended" on. Default "all". */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /**
   * Whether the second run allocates its values as one block, planned in the first, which stays allocated as well.
   * Default true.
   */
  readonly memoryPattern?: boolean;
  /**
   * Keeps QuantizeLinear and DequantizeLinear as they stand: simulated quantization must not be fused. What dequantizes
   * constants alone is computed as the session loads. Default false.
   */
  readonly keepQdq?: boolean;
  /**
   * Whether int8 products are added exactly on x86 CPUs without VNNI too. Their own kernels add pairs of products in 16
   * bits, where 2·255·127 saturates; with this weights become uint8, whose kernels are exact and slower. Default false.
   */
  readonly precise?: boolean;
  /**
   * Whether operators on int8 activations may stay what they are on x86 too, where they run on portable kernels, exact and
   * slow, as they run on ARM. Without, ONNX Runtime makes uint8 of them where it can and float of the rest. Default false.
   */
  readonly int8Activations?: boolean;
  /** Where ONNX Runtime writes the graph that it really runs. */
  readonly optimizedModelPath?: string;
  /** In which form: "onnx" (default) or "ort", ONNX Runtime's own. */
  readonly optimizedModelFormat?: "onnx" | "ort";
  /** Prefix of the profile that ONNX Runtime writes when the session ends. */
  readonly profilePrefix?: string;
}

/** An ONNX Runtime session. */
export class Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly #session: Binding.InferenceSession;
  readonly #profiling: boolean;
  #disposed = false;

  /**
   * Loads a model.
   *
   * @param model A serialized ModelProto, or a file in ORT format.
   * @throws {Error} ONNX Runtime's own error if it refuses the model or cannot run on the device.
   */
  constructor(model: Uint8Array, options: SessionOptions = {}) {
    start();
    this.#profiling = options.profilePrefix !== undefined;
    this.#session = new binding.InferenceSession();
    // The binding takes ArrayBuffers; no caller has a SharedArrayBuffer, which ONNX Runtime refuses.
    this.#session.loadModel(model.buffer as ArrayBuffer, model.byteOffset, model.byteLength, bindingOptions(options));
    this.inputs = this.#session.inputMetadata.map(portInfo);
    this.outputs = this.#session.outputMetadata.map(portInfo);
  }

  /**
   * Runs the model.
   *
   * @param feeds A tensor for every input, which is read in place.
   * @returns Every output by name, in arrays of its own: the binding copies them, and would even from arrays that it is
   *   given for ONNX Runtime to write to.
   */
  run(feeds: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const name in feeds) inputs[name] = toOrt(feeds[name]);
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const { name } of this.outputs) fetches[name] = null;
    const results = this.#session.run(inputs, fetches, {});
    const outputs: Record<string, HostTensor> = {};
    for (const { name, dtype } of this.outputs) {
      outputs[name] = fromOrt(results[name] as ort.Tensor, dtype);
    }
    return outputs;
  }

  /** Ends profiling, if it was asked for, and frees the session. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#profiling) this.#session.endProfiling();
    this.#session.dispose();
  }
}

/** Lists what this build of ONNX Runtime knows of devices; whether the machine has them shows in making a session. */
export function listDevices(): readonly { readonly device: string; readonly bundled: boolean }[] {
  return binding.listSupportedBackends().map(({ name, bundled }) => ({ device: name, bundled }));
}

/** Starts ONNX Runtime, once a process. What it logs as an error it also throws, so its log would say it twice. */
function start(): void {
  if (ort.env.logLevel === "warning") ort.env.logLevel = "fatal";
  initOrt();
}

function bindingOptions(options: SessionOptions) {
  const session: Record<string, string> = {
    ...(options.keepQdq ? { disable_quant_qdq: "1", disable_double_qdq_remover: "1" } : {}),
    // Kernels for int8 activations are exact, and there are none for uint8 weights with them.
    ...(options.precise && !options.int8Activations ? { x64quantprecision: "1" } : {}),
    ...(options.int8Activations ? { qdqisint8allowed: "1" } : {}),
    ...(options.optimizedModelFormat === "ort" ? { save_model_format: "ORT" } : {}),
  };
  return {
    executionMode: "sequential" as const,
    ...(options.device === undefined || options.device === "cpu" ? {} : { executionProviders: [options.device] }),
    graphOptimizationLevel: options.optimization ?? "all",
    enableMemPattern: options.memoryPattern ?? true,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads, interOpNumThreads: 1 }),
    ...(options.optimizedModelPath === undefined ? {} : { optimizedModelFilePath: options.optimizedModelPath }),
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    extra: { session },
    logSeverityLevel: 3 as const,
  };
}

function portInfo(meta: Binding.ValueMetadata): PortInfo {
  const dtype = dtypeOfCode(meta.type);
  if (!meta.isTensor || dtype === undefined || dtype === "bfloat16") {
    throw new TypeError(
      `Cannot use "${meta.name}": its element type, TensorProto code ${meta.type}, has no JavaScript form`,
    );
  }
  return { name: meta.name, dtype, shape: meta.shape };
}

function toOrt({ dtype, shape, data }: HostTensor): ort.Tensor {
  if (dtype === "bfloat16") throw new TypeError("Cannot feed bfloat16: its elements have no JavaScript form");
  // The constructor checks at run time that the array's class fits the element type.
  const tensor = new ort.Tensor(dtype, data as TypedArray, shape);
  // It makes a Float16Array of bit patterns, which Node's interface to native code does not know.
  return dtype === "float16" ? Object.defineProperty(tensor, "data", { value: data }) : tensor;
}

function fromOrt({ dims, data }: ort.Tensor, dtype: DType): HostTensor {
  // Tensors of text are no ports of sessions here (`portInfo`).
  const view = data as Float32Array;
  if (dtype !== "float16") return { dtype, shape: dims, data: view };
  return { dtype, shape: dims, data: new Uint16Array(view.buffer, view.byteOffset, view.length) };
}

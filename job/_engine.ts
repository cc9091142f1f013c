/** What a job computes with: TF.js's backend, and the device of ONNX Runtime. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { DeviceReport } from "../report/schema.ts";
import { saturates } from "../export/saturation.ts";
import { chooseDevice, type DeviceChoice, deviceWarning, selectBackend } from "../src/backend/mod.ts";
import { layersIn, quantizedLayer, registerQuantKernels } from "../src/quant/mod.ts";
import { providersOf } from "../src/runtime/providers.ts";
import { canSaturate, type Target } from "../quantize/target.ts";
import type { ResolvedShared } from "./shared_options.ts";

const SATURATION_WARNING =
  "Warning: this CPU has no VNNI, its int8 kernels add pairs of products in 16 bits and saturate: int8 files answer " +
  "otherwise than simulated; --target x86-portable avoids it, --precise judges them as other CPUs run them";

/** What a job computes with. */
export interface Engine {
  /** The name under which TF.js knows the backend that trains. */
  readonly backend: string;
  /** Where ONNX Runtime runs exported files, and the steps of training if it is the backend. */
  readonly device: DeviceChoice;
}

/**
 * Makes the backend of `--backend` the current one, on the device of `--device`. A device that cannot be used is logged.
 *
 * @throws {Error} If the backend cannot be loaded.
 */
export async function startEngine(
  { backend, device: asked, threads, debug }: Pick<ResolvedShared, "backend" | "device" | "threads" | "debug">,
  log: (line: string) => void,
): Promise<Engine> {
  const device = chooseDevice(asked);
  for (const warning of [deviceWarning(device), threadsWarning(threads)]) if (warning !== undefined) log(warning);
  const name = await selectBackend(backend, { device: device.ran, debug, threads });
  // The backend "onnxruntime" has kernels of its own for these.
  if (name !== "onnxruntime") registerQuantKernels(name);
  return { backend: name, device };
}

/** Layers whose convolutions TF.js dilates; its DepthwiseConv2D ignores the rate. */
const DILATED = ["Conv1D", "Conv2D", "Conv3D", "GroupConv2D", "SeparableConv2D"];

/**
 * Checks that `backend` can train every layer of `model`: TF.js has no gradient of dilated convolutions.
 *
 * @throws {TypeError} If it cannot; the first such layer is named.
 */
export function checkDilations(model: tfl.LayersModel, backend: string): void {
  for (const layer of layersIn(model)) {
    const inner = quantizedLayer(layer)?.inner ?? layer;
    const rates = [inner.getConfig().dilationRate ?? 1].flat();
    if (!DILATED.includes(inner.getClassName()) || rates.every((rate) => rate === 1)) continue;
    const canTrain = backend === "onnxruntime" && inner.getClassName() !== "Conv3D";
    if (canTrain) continue;
    const needed = inner.getClassName() === "Conv3D" ? "is a rate of 1" : 'is "onnxruntime"';
    throw new TypeError(
      `Cannot train "${layer.name}" on backend "${backend}": its dilation rate is [${rates}], of which that has no ` +
        `gradient, needed ${needed}`,
    );
  }
}

/**
 * Runs `run` while inference computes with the float operators of training, in place of the arithmetic of integer kernels.
 *
 * @returns Its result; undefined if inference does so anyway, on other backends and devices.
 */
export async function inTrainingArithmetic<T>(
  { backend, device }: Engine,
  run: () => Promise<T>,
): Promise<T | undefined> {
  if (backend !== "onnxruntime" || device.ran !== "cpu") return undefined;
  await selectBackend("onnxruntime", { integerKernels: false });
  try {
    return await run();
  } finally {
    await selectBackend("onnxruntime", { integerKernels: true });
  }
}

/** Warns where int8 files answer otherwise than on CPUs with exact kernels, and than they were simulated. */
export function warnOfSaturation(
  { precise, target }: { readonly precise: boolean; readonly target: Target },
  log: (line: string) => void,
): void {
  if (!precise && canSaturate(target) && saturates()) log(SATURATION_WARNING);
}

/** Threads that wait for one another on the same core take a multiple of the time. */
function threadsWarning(threads = 1): string | undefined {
  const cores = navigator.hardwareConcurrency;
  if (threads <= cores) return undefined;
  return `Warning: --threads ${threads} is more than this machine's ${cores} cores, which slows everything down.`;
}

/** Returns where `int8` ran, by ONNX Runtime's own account where that may be in part elsewhere. */
export function reportDevice(choice: DeviceChoice, int8: Uint8Array): DeviceReport {
  return choice.ran === "cpu" ? choice : countOperators(choice, providersOf(int8, { device: choice.ran }));
}

/** A device that got no operator did not run anything, whatever it was asked for. */
export function countOperators(choice: DeviceChoice, operators: Readonly<Record<string, number>>): DeviceReport {
  if (Object.keys(operators).some((provider) => provider !== "CPUExecutionProvider")) return { ...choice, operators };
  return { asked: choice.asked, ran: "cpu", because: "ONNX Runtime gave it none of the int8 model's operators" };
}

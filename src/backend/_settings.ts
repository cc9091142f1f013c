/** What the backend was told, and what that means for its sessions. */
import type { Graph } from "../onnx/graph.ts";
import { optimizeStep } from "../passes/step/mod.ts";
import type { SessionOptions } from "../runtime/session.ts";
import { channelBlock } from "./_channel_block.ts";
import { chooseDevice, type DeviceChoice, deviceWarning } from "./device.ts";
import type { BackendOptions } from "./options.ts";

/** Options that sessions are made with: those made with others do not fit any more. */
const OF_SESSIONS = ["threads", "profilePrefix", "device", "integerKernels"] as const;

/** The least that an option may be. */
const LEAST = { threads: 1, maxSessions: 1, maxPendingNodes: 0 } as const;

/** A backend's options, which may change while it lives. */
export class Settings {
  #options: BackendOptions = {};
  #device: DeviceChoice = { asked: "cpu", ran: "cpu" };

  /** The device that was asked for, and the one that is used. */
  get device(): DeviceChoice {
    return this.#device;
  }

  /** Sessions kept alive. */
  get maxSessions(): number {
    return this.#options.maxSessions ?? 32;
  }

  /** Nodes that a recording may have before it is run. */
  get maxPendingNodes(): number {
    return this.#options.maxPendingNodes ?? 50_000;
  }

  /** Whether `options` ask for sessions other than those there are. */
  needNewSessions(options: BackendOptions): boolean {
    const now: BackendOptions = { integerKernels: true, ...this.#options, device: this.#device.asked };
    return OF_SESSIONS.some((name) => options[name] !== undefined && options[name] !== now[name]);
  }

  /** Takes over what `options` name; the rest stays as it is. */
  change(options: BackendOptions): void {
    const named = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...this.#options, ...Object.fromEntries(named) };
    const { device = this.#device.asked, onWarning } = options;
    if (device === this.#device.asked) return;
    this.#device = chooseDevice(device);
    const warning = deviceWarning(this.#device);
    if (warning !== undefined) onWarning?.(warning);
  }

  /** Prepares a recorded graph for where it will run: operators on blocked channels, and integer kernels, are the CPU's. */
  optimize(graph: Graph): Graph {
    const { debug = false, integerKernels = true } = this.#options;
    const isCpu = this.#device.ran === "cpu";
    return optimizeStep(graph, { block: isCpu ? channelBlock() : 1, kernels: isCpu && integerKernels, debug });
  }

  /** How sessions are made. */
  sessionOptions(): SessionOptions {
    const { threads, profilePrefix } = this.#options;
    return {
      keepQdq: true,
      memoryPattern: false,
      device: this.#device.ran,
      // What ONNX Runtime would optimize has no constant weights here: it finds nothing and takes longer than compiling.
      ...(this.#device.ran === "cpu" ? { optimization: "disabled" } : {}),
      ...(threads === undefined ? {} : { threads }),
      ...(profilePrefix === undefined ? {} : { profilePrefix }),
    };
  }
}

/** @throws {RangeError} If a number is not an integer, or too small. */
export function checkOptions(options: BackendOptions): void {
  for (const name of ["threads", "maxSessions", "maxPendingNodes"] as const) {
    const value = options[name] ?? LEAST[name];
    if (Number.isInteger(value) && value >= LEAST[name]) continue;
    throw new RangeError(
      `Cannot use backend "onnxruntime": ${name} is ${value}, needed is an integer from ${LEAST[name]} on`,
    );
  }
}

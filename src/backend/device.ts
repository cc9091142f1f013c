/** Which device ONNX Runtime runs on, where the one that was asked for cannot be had. */
import { GraphBuilder } from "../onnx/writer.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { type Device, listDevices, ORT_VERSION, Session } from "../runtime/session.ts";

export { type Device, DEVICES } from "../runtime/session.ts";

/** A device that was asked for, and the one to use. */
export interface DeviceChoice {
  readonly asked: Device;
  readonly ran: Device;
  /** Why it is another; absent if it is not. */
  readonly because?: string;
}

const known = new Map<Device, DeviceChoice>();

/**
 * Returns `asked` if ONNX Runtime can run on it here, the CPU if not.
 *
 * It is found by running a matrix product. Found once a process.
 */
export function chooseDevice(asked: Device): DeviceChoice {
  const choice = known.get(asked) ?? { asked, ...tryDevice(asked) };
  known.set(asked, choice);
  return choice;
}

/** Returns the line that tells of a device that cannot be had, or undefined if it can. */
export function deviceWarning({ asked, ran, because }: DeviceChoice): string | undefined {
  return asked === ran ? undefined : `Warning: device "${asked}" cannot be used, ${ran} is used instead: ${because}`;
}

function tryDevice(asked: Device): Omit<DeviceChoice, "asked"> {
  if (asked === "cpu") return { ran: "cpu" };
  const listed = listDevices().find(({ device }) => device === asked);
  if (listed === undefined) {
    const { os, arch } = Deno.build;
    return { ran: "cpu", because: `onnxruntime-node ${ORT_VERSION} is built without it for ${os} ${arch}` };
  }
  try {
    multiplyOn(asked);
    return { ran: asked };
  } catch (error) {
    const reason = reasonOf(error);
    return { ran: "cpu", because: listed.bundled ? reason : `${reason}; ${howToInstall()}` };
  }
}

function multiplyOn(device: Device): void {
  const b = new GraphBuilder();
  const [x, y] = ["x", "y"].map((name) => b.input("float32", [2, 2], name));
  const product = b.node("MatMul", [x, y]);
  const session = new Session(encodeModel(b.build("probe", [product.name])), { device, threads: 1 });
  try {
    const data = { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
    const { [product.name]: result } = session.run({ x: data, y: data });
    const elements = `${result.data}`;
    if (elements !== "7,10,15,22") throw new Error(`it multiplies wrong: 7,10,15,22 became ${elements}`);
  } finally {
    session.dispose();
  }
}

/** What is left of ONNX Runtime's error without the place in its source and the condition that failed there. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^.* was false\. /s, "").replace(/\s+/g, " ").trim();
}

/** Libraries too large for the package are fetched by its install script, which Deno runs in a node_modules folder. */
function howToInstall(): string {
  return "its libraries come by deno install --node-modules-dir=auto --allow-scripts=npm:onnxruntime-node " +
    `--entrypoint npm:onnxruntime-node@${ORT_VERSION}, for programs run with --node-modules-dir=auto`;
}

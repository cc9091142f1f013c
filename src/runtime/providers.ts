/**
 * Which execution provider really runs a model.
 *
 * A session that is made for a device gives every operator that the device does not have to the CPU, without a word.
 * ONNX Runtime's profile names the provider of each operator that ran; the binding tells it nowhere else.
 */
import { allocate } from "../numbers/dtype.ts";
import { type HostTensor, type PortInfo, Session, type SessionOptions } from "./session.ts";

/**
 * Runs `model` once on zeros and counts operators by the provider that ran them, such as "CPUExecutionProvider".
 *
 * @param model A serialized ModelProto. Its open dimensions become 1.
 * @throws {Error} ONNX Runtime's own error if it refuses the model or cannot run on the device.
 */
export function providersOf(model: Uint8Array, options: SessionOptions = {}): Readonly<Record<string, number>> {
  const folder = Deno.makeTempDirSync();
  try {
    const session = new Session(model, { ...options, profilePrefix: `${folder}/profile` });
    try {
      session.run(Object.fromEntries(session.inputs.map((input) => [input.name, zeros(input)])));
    } finally {
      session.dispose();
    }
    const [{ name }] = [...Deno.readDirSync(folder)];
    return countProviders(JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** An event of ONNX Runtime's profile. Those of operators name the provider. */
interface ProfileEvent {
  readonly args?: { readonly provider?: string };
}

function countProviders(events: readonly ProfileEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { args } of events) {
    if (args?.provider) counts[args.provider] = (counts[args.provider] ?? 0) + 1;
  }
  return counts;
}

function zeros({ dtype, shape }: PortInfo): HostTensor {
  const fixed = shape.map((dim) => Math.max(dim, 1));
  const size = fixed.reduce((product, dim) => product * dim, 1);
  return { dtype, shape: fixed, data: allocate(dtype, size) };
}

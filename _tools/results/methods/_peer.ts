/** ONNX Runtime's own quantizer, where a Python has it: this one's, or that of a root of its own. */
import { SHARED } from "../_jobs.ts";

/** A Python with onnxruntime and onnx. */
interface Peer {
  /** What starts it. */
  readonly command: readonly [string, ...string[]];
  /** The folder that it sees as "/". */
  readonly root: string;
}

/** What is quantized, by which calibration: "minmax", "entropy" or "percentile". */
export interface PeerRun {
  readonly float: string;
  /** Inputs of the model, [n, …], float32. */
  readonly calibrate: { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly calibration: string;
  /** Where Debian's python3-onnxruntime may be installed, if not here. */
  readonly root: string;
}

/** Its file, and the seconds that it took. */
export interface PeerFile {
  readonly bytes: Uint8Array;
  readonly seconds: number;
}

/**
 * Quantizes a float file by ONNX Runtime's own quantizer; undefined where there is none.
 *
 * @throws {Error} If it fails.
 */
export async function quantizeByPeer(run: PeerRun): Promise<PeerFile | undefined> {
  const peer = await findPeer(run.root);
  if (peer === undefined) return undefined;
  const dir = await Deno.makeTempDir({ dir: `${peer.root}/tmp`, prefix: "peer-" });
  const inside = dir.slice(peer.root.length);
  try {
    await Deno.copyFile(run.float, `${dir}/float.onnx`);
    await Deno.copyFile(`${SHARED}/peers/ort_static_quantize.py`, `${dir}/quantize.py`);
    await Deno.writeFile(`${dir}/x.npy`, npy(run.calibrate));
    const files = [
      "quantize.py",
      "float.onnx",
      "--calibrate",
      "x.npy",
      "--method",
      run.calibration,
      "--out",
      "int8.onnx",
    ];
    const result = await runPython(peer, files.map((file) => /\./.test(file) ? `${inside}/${file}` : file));
    // One line of JSON, behind what the quantizer itself prints.
    const { seconds } = JSON.parse(result.split("\n").at(-1) ?? "");
    return { bytes: await Deno.readFile(`${dir}/int8.onnx`), seconds };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function findPeer(root: string): Promise<Peer | undefined> {
  const peers: readonly Peer[] = [
    { command: ["python3"], root: "" },
    { command: ["/usr/bin/python3"], root: "" },
    { command: ["chroot", root, "python3"], root },
  ];
  for (const peer of peers) {
    // Debian's onnxruntime crashes where onnx comes second.
    const has = await runPython(peer, ["-c", "import onnx.reference, onnxruntime.quantization"]).catch(() => undefined);
    if (has !== undefined) return peer;
  }
}

async function runPython({ command: [program, ...before] }: Peer, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...before, ...args], stdin: "null" })
    .output();
  if (success) return new TextDecoder().decode(stdout).trim();
  throw new Error(`Cannot quantize by ONNX Runtime: ${new TextDecoder().decode(stderr).trim().split("\n").at(-1)}`);
}

/** NumPy's format 1.0: a magic word, the header's length, the header as a Python literal filled up to 64, the elements. */
export function npy({ shape, data }: PeerRun["calibrate"]): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const padded = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11) + "\n";
  const start = new Uint8Array([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
  ]);
  const all = new Uint8Array(start.length + padded.length + data.byteLength);
  all.set(start);
  all.set(new TextEncoder().encode(padded), start.length);
  // This machine's order of bytes is little-endian, as of all that ONNX Runtime runs on.
  all.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start.length + padded.length);
  return all;
}

/**
 * What a file of ONNX Runtime's own quantizer answers, made of our float file, and its time against that of our int8 file.
 *
 *     deno run --allow-all _tools/results/methods/judge_peer.ts '{"float": "model.float.onnx", …}'
 *
 * The argument is a `PeerTask`; the last line printed is a `MethodFigures`, or null where there is no such quantizer here.
 */
import { batches, compareLatency, DeployedModel, openData, type OpenedData } from "../../../mod.ts";
import { changeOfHits, countPairs } from "../../../tasks/uncertainty/hits.ts";
import type { MethodFigures } from "./_figures.ts";
import { quantizeByPeer } from "./_peer.ts";

/** What is quantized, and what it is compared with. */
export interface PeerTask {
  /** Our float file, and our int8 file of the same model. */
  readonly float: string;
  readonly int8: string;
  /** As `--data` and `--calibrate` take them. */
  readonly data: string;
  readonly calibrate: string;
  readonly limit?: number;
  readonly threads?: number;
  /** "minmax", "entropy" or "percentile". */
  readonly calibration: string;
  readonly root: string;
}

/** Rounds of runs in turns; a median of ratios is that of no single disturbed round. */
const ROUNDS = 5;

if (import.meta.main) console.log(JSON.stringify(await judgePeer(JSON.parse(Deno.args[0]))));

async function judgePeer(task: PeerTask): Promise<MethodFigures | null> {
  const { float: path, int8, calibration, root, limit, threads } = task;
  const calibrate = inputsOf(await openData(task.calibrate));
  const peer = await quantizeByPeer({ float: path, calibrate, calibration, root });
  if (peer === undefined) return null;
  const data = await openData(task.data, limit === undefined ? {} : { limit });
  const [float, ours] = [await Deno.readFile(path), await Deno.readFile(int8)];
  const before = answersOf(float, data);
  const [after, own] = [answersOf(peer.bytes, data), answersOf(ours, data)];
  const latency = (bytes: readonly [Uint8Array, Uint8Array]) =>
    compareLatency(bytes, threads === undefined ? {} : { threads });
  const { times: [floatMs, peerMs], unsteady } = latency([float, peer.bytes]);
  const shareOf = (hits: Float64Array) => hits.reduce((a, b) => a + b) / hits.length;
  return {
    metric: "accuracy",
    unit: "fraction",
    count: before.hits.length,
    float: shareOf(before.hits),
    reference: "original",
    original: shareOf(before.hits),
    reached: shareOf(after.hits),
    isSimulated: false,
    change: changeOfHits(countPairs(before.hits, after.hits)),
    sqnrDb: sqnrOf(before.values, after.values),
    latencyMs: { float: floatMs.p50, deployed: peerMs.p50, unsteady: unsteady !== undefined },
    bytes: { float: float.length, deployed: peer.bytes.length },
    seconds: peer.seconds,
    ours: {
      latencyRatio: medianRatio(() => latency([ours, peer.bytes]).times.map(({ p50 }) => p50)),
      change: changeOfHits(countPairs(after.hits, own.hits)),
    },
  };
}

/** All inputs of the training part, as the model takes them. */
function inputsOf({ train, normalize }: OpenedData) {
  const [batch] = batches(train, { batchSize: train.count, normalize });
  const [data] = Object.values(batch.inputs);
  const [{ height, width, channels }] = Object.values(train.inputs).flatMap((input) =>
    input.kind === "pictures" ? [input] : []
  );
  return { shape: [train.count, height, width, channels], data: Float32Array.from(data) };
}

interface Judged {
  /** 1 where the greatest of a sample's answers is its class, else 0. */
  readonly hits: Float64Array;
  readonly values: Float32Array;
}

/** Answers the test part, on exact kernels. */
function answersOf(file: Uint8Array, { test, normalize }: OpenedData): Judged {
  const model = new DeployedModel(file, { precise: true });
  try {
    const hits = new Float64Array(test.count);
    const parts: Float32Array[] = [];
    for (const { inputs, targets, indices } of batches(test, { batchSize: Math.min(250, test.count), normalize })) {
      const [{ values, shape: [, classes] }] = Object.values(model.predict(inputs));
      const [labels] = Object.values(targets);
      parts.push(values.slice());
      indices.forEach((index, i) => {
        const own = values.subarray(i * classes, (i + 1) * classes);
        hits[index] = own.indexOf(own.reduce((a, b) => Math.max(a, b))) === labels[i] ? 1 : 0;
      });
    }
    return { hits, values: Float32Array.from(parts.flatMap((part) => [...part])) };
  } finally {
    model.dispose();
  }
}

/** 10·log10(Σx² / Σ(x − y)²); null where there is no noise. */
function sqnrOf(signal: Float32Array, noisy: Float32Array): number | null {
  let [power, noise] = [0, 0];
  signal.forEach((x, i) => {
    power += x * x;
    noise += (x - noisy[i]) ** 2;
  });
  return noise === 0 || power === 0 ? null : 10 * Math.log10(power / noise);
}

/** Returns the median, over some rounds, of the first of two times over the second. */
export function medianRatio(measure: () => readonly number[]): number {
  const ratios = Array.from({ length: ROUNDS }, () => {
    const [first, second] = measure();
    return first / second;
  });
  return ratios.sort((a, b) => a - b)[ROUNDS >> 1];
}

/**
 * Our int8 files of the built-in nets against the files that ONNX Runtime's quantizer makes of the same nets in PyTorch:
 * random weights, so that times alone are compared.
 *
 *     deno run --allow-all _tools/results/methods/time_peers.ts [THREADS]
 *
 * The last line printed is a `SpeedFigures` by net.
 */
import * as tf from "@tensorflow/tfjs-core";
import { buildArchitecture, calibrate, compareLatency, prepareQat, registerBackend, toOnnx } from "../../../mod.ts";
import { SHARED } from "../_jobs.ts";
import type { SpeedFigures } from "./_figures.ts";
import { medianRatio } from "./judge_peer.ts";

/** The nets, with the side of their pictures. */
export const TIMED = { cifar_cnn: 32, resnet20: 32, mobilenet_v2: 96 } as const;

if (import.meta.main) {
  const threads = Deno.args[0] === undefined ? undefined : Number(Deno.args[0]);
  await registerBackend(threads === undefined ? {} : { threads });
  const figures: Record<string, SpeedFigures> = {};
  for (const [net, side] of Object.entries(TIMED)) figures[net] = await timeNet(net, { side, threads });
  console.log(JSON.stringify(figures));
}

async function timeNet(
  net: string,
  { side, threads }: { readonly side: number; readonly threads: number | undefined },
): Promise<SpeedFigures> {
  const model = buildArchitecture(net, { inputShape: [side, side, 3], outputs: 10, seed: 0 });
  const { model: prepared } = prepareQat(model);
  // What it is calibrated on has no part in how long it takes.
  await calibrate(prepared, [tf.randomUniform([8, side, side, 3], -1, 1, "float32", 1)]);
  const { bytes } = await toOnnx(prepared);
  const peer = await Deno.readFile(`${SHARED}/peers/${net}.ort_static_u8s8.onnx`);
  const times: (readonly [number, number])[] = [];
  const ratio = medianRatio(() => {
    const [ours, theirs] = compareLatency([bytes, peer], threads === undefined ? {} : { threads }).times;
    times.push([ours.p50, theirs.p50]);
    return [ours.p50, theirs.p50];
  });
  const median = (i: 0 | 1) => times.map((pair) => pair[i]).sort((a, b) => a - b)[times.length >> 1];
  return { oursMs: median(0), peerMs: median(1), ratio };
}

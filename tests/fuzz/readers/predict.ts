/** What exported files say of themselves, as `predict` reads it. */
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { toOnnx } from "../../../export/to_onnx.ts";
import { Predictor } from "../../../predict/predict.ts";
import { decodeModel, encodeModel } from "../../../src/onnx/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { hostileValue, mutateJson, mutateText } from "../_mutate.ts";
import { startTf } from "./_start.ts";

const IMAGE = { kind: "image", shape: [4, 4, 1], layout: "nhwc", fit: "letterbox", mean: [0.5], std: [0.25] };

/** What may be said of six numbers, by task. */
const OUTPUTS: readonly object[] = [
  { task: "classification", classNames: ["a", "b", "c", "d", "e", "f"] },
  { task: "multi-label", labels: ["a", "b", "c", "d", "e", "f"], threshold: 0.5 },
  { task: "regression", columns: ["a", "b", "c", "d", "e", "f"], unit: "px" },
  { task: "landmarks", points: ["a", "b", "c"] },
  {
    task: "detection",
    answer: "boxes",
    kind: "yolov3",
    grid: [1, 1],
    anchors: [[2, 3]],
    input: [4, 4],
    classes: ["a"],
    scoreThreshold: 0.3,
    nmsIou: 0.5,
  },
];

/** A sound file whose metadata is damaged as JSON or as text. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const [rows, cell] = [await fileOf(), await fileOf({ isCell: true })];
  const picture = `${dir}/picture.png`;
  await sharp({ create: { width: 6, height: 3, channels: 3, background: "#808080" } }).png().toFile(picture);
  return (random) => {
    const output = random.pick(OUTPUTS);
    const isCell = "kind" in output;
    const { graph, metadata } = isCell ? cell : rows;
    const said: Record<string, unknown> = structuredClone({
      inputs: { flat_input: IMAGE },
      outputs: { [isCell ? "cell" : "out"]: output },
    });
    const key = random.pick(["inputs", "outputs"]);
    const kind = random.below(10);
    let what = "sound";
    if (kind === 0) said[key] = hostileValue(random);
    else if (kind > 3) what = mutateJson(random, said[key]);
    const texts = Object.entries(said).map(([name, value]) => [name, JSON.stringify(value) ?? ""] as const);
    const damaged = Object.fromEntries(
      texts.map(([name, text]) => [name, kind === 1 && name === key ? mutateText(random, text) : text]),
    );
    const file = encodeModel(graph, { metadata: { ...metadata, ...damaged } });
    return { what: `${key}: ${what}`, read: () => readBack(file, picture) };
  };
};

/** A file that gives six numbers, by themselves or as the one cell of a grid. */
async function fileOf({ isCell = false }: { readonly isCell?: boolean } = {}) {
  const layers = [
    tfl.layers.flatten({ inputShape: [4, 4, 1], name: "flat" }),
    tfl.layers.dense({ units: 6, name: "out" }),
    ...(isCell ? [tfl.layers.reshape({ targetShape: [1, 1, 6], name: "cell" })] : []),
  ];
  const { bytes } = await toOnnx(tfl.sequential({ layers }), { precision: "float32" });
  return decodeModel(bytes);
}

async function readBack(file: Uint8Array, picture: string): Promise<void> {
  const predictor = new Predictor(file, { name: "net.onnx", threads: 1 });
  try {
    const [prediction] = await predictor.predict([picture]);
    check("answers" in prediction, "the picture was not read");
    const kinds = prediction.answers.map(({ kind }) => kind);
    check(
      kinds.length === 1 && ["class", "labels", "numbers", "points", "boxes"].includes(kinds[0]),
      `answers ${kinds}`,
    );
    check(JSON.parse(JSON.stringify(prediction)).width === 6, "no JSON");
  } finally {
    predictor.dispose();
  }
}

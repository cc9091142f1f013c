/**
 * Evaluation and the float operators of training, each against the deployed file, in nets of real use on real pictures.
 *
 *     deno task agreement [NET …]
 *
 * Built-in nets are trained for an epoch in float and one with fake quantization on 960 pictures, LeNet for the latter
 * alone; the others are calibrated. A line a net: samples whose answers differ, output codes that differ, by how much.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { batches } from "../data/batches.ts";
import { parseNormalize } from "../data/normalize.ts";
import { openData, type OpenedData } from "../data/open.ts";
import { compareAnswers } from "../export/agreement.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { predictAll } from "../export/validate.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { type Answers, rowOf } from "../models/answers.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { fromModel, withOutputs } from "../src/rewrite/mod.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { evaluate } from "../train/evaluate.ts";
import { fit } from "../train/fit.ts";
import { optimizerFor } from "../train/optimizers.ts";
import { floatSchedule, qatSchedule, type Schedule } from "../train/schedule.ts";
import { sharedPath } from "./_support/shared.ts";

/** A net, ready to be evaluated, and pictures that it has not seen. */
interface Ready {
  readonly model: LayersModel;
  readonly pictures: OpenedData;
  /** What its input expects. */
  readonly normalize: string;
}

const CIFAR = "cifar10:../shared/data/cifar10";
const FACES = "csv:../shared/data/faces68/test.csv";

/** Pictures to learn from, and to compare on. */
const LIMIT = 960;

const NETS: Readonly<Record<string, () => Promise<Ready>>> = {
  lenet_mnist: () => trained(loadShared("lenet_mnist"), { data: "mnist:../shared/data/mnist", floatEpochs: 0 }),
  tiny_yolo: () => trained(build("tiny_yolo"), { data: CIFAR, floatEpochs: 1 }),
  resnet20: () => trained(build("resnet20"), { data: CIFAR, floatEpochs: 1 }),
  mobilenet_v2: () => trained(build("mobilenet_v2"), { data: CIFAR, floatEpochs: 1 }),
  faceapi_expression: () => calibrated("faceapi_expression", "-1..1"),
  faceapi_landmark68_tiny: () => calibrated("faceapi_landmark68_tiny", "-1..1"),
  nsfw_mobilenet_v2: () => calibrated("nsfw_mobilenet_v2", "0..1"),
};

function build(name: string): Promise<LayersModel> {
  return Promise.resolve(buildArchitecture(name, { inputShape: [32, 32, 3], outputs: 10, seed: 1 }));
}

/** Loads a model of the shared material, with its last output. */
async function loadShared(name: string): Promise<LayersModel> {
  const path = sharedPath(`models/${name}`);
  if (path === undefined) throw new RangeError(`Cannot load "${name}": there is no ../shared/models/${name}`);
  const { model } = await loadLayersModel(path);
  return model.outputs.length === 1 ? model : withOutputs(model, fromModel(model).outputs.slice(-1));
}

async function trained(
  loading: Promise<LayersModel>,
  { data, floatEpochs }: { readonly data: string; readonly floatEpochs: number },
): Promise<Ready> {
  const { model } = prepareQat(await loading);
  const pictures = await openData(data, { limit: LIMIT });
  const { train, normalize, augment } = pictures;
  const learn = (epochs: number, learningRate: number, schedule: Schedule) =>
    fit(model, {
      train: (epoch) =>
        batches(train, { batchSize: 64, normalize, augment, epoch, shuffle: true, dropRemainder: true }),
      epochs,
      stepsPerEpoch: Math.floor(train.count / 64),
      optimizer: optimizerFor("momentum", { learningRate }),
      schedule,
    });
  if (floatEpochs > 0) await learn(floatEpochs, 0.05, floatSchedule);
  await learn(1, 0.005, qatSchedule());
  return { model, pictures, normalize: normalize.text };
}

async function calibrated(name: string, normalize: string): Promise<Ready> {
  const { model } = prepareQat(await loadShared(name));
  const [, height, width, channels] = model.inputs[0].shape.map((dim) => dim ?? 1);
  const pictures = await openData(FACES, { limit: 160, shape: { height, width, channels }, targets: "reals" });
  const seen = [...batches(pictures.train, { batchSize: 16, normalize: parseNormalize(normalize) })];
  await calibrate(model, seen.slice(0, 4));
  return { model, pictures, normalize };
}

/** Compares the net's answers in evaluation, and with training's operators, with those of its file on exact kernels. */
async function compare(name: string, { model, pictures: { test }, normalize }: Ready): Promise<string> {
  const options = { batchSize: 20, normalize: parseNormalize(normalize) };
  const answer = async () => {
    const given = Iterator.from(batches(test, options)).map((batch) => ({ ...batch, targets: {} }));
    return (await evaluate(model, given, { task: [] })).answers;
  };
  const evaluated = await answer();
  await registerBackend({ integerKernels: false });
  const asTrained = await answer();
  await registerBackend({ integerKernels: true });
  const samples = Iterator.from(batches(test, options)).map(({ inputs }) => inputs);
  const deployed = predictAll((await toOnnx(model)).bytes, samples, { precise: true });
  return `${name}: evaluation ${describe(evaluated, deployed)}; as trained ${describe(asTrained, deployed)}`;
}

function describe(simulated: Answers, deployed: Answers): string {
  return compareAnswers(simulated, deployed).map(({ output, samples, compared }) => {
    if (compared.kind !== "codes") return `${compared.count} values, by ${compared.maxDifference} at most`;
    const { count, different, maxDifference } = compared;
    const [a, b] = [simulated[output], deployed[output]];
    const others = Array.from({ length: samples }, (_, i) => i).filter((i) =>
      topOf(rowOf(a, i)) !== topOf(rowOf(b, i))
    );
    return `${others.length} of ${samples} answers, ${different} of ${count} codes, by ${maxDifference} at most`;
  }).join(", ");
}

/** The class that scores highest; of landmarks, the one farthest to the right or down. */
function topOf(row: Float32Array): number {
  return row.indexOf(Math.max(...row));
}

if (import.meta.main) {
  await registerBackend();
  const encoder = new TextEncoder();
  for (const name of Deno.args.length === 0 ? Object.keys(NETS) : Deno.args) {
    const line = await compare(
      name,
      await NETS[checkChoice(name, { of: Object.keys(NETS), cannot: `Cannot compare "${name}"` })](),
    );
    Deno.stdout.writeSync(encoder.encode(`${line}\n`));
  }
}

/** Quantization-aware training, judged after every epoch by the file that would be deployed. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Batch } from "../data/batches.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { predictAll } from "../export/validate.ts";
import { calibrate, uncalibratedIn } from "../quantize/calibrate.ts";
import { measureAll, type MetricValue } from "../tasks/task.ts";
import { type EpochInfo, fit, type History } from "../train/fit.ts";
import { cosineRate, optimizerFor } from "../train/optimizers.ts";
import { qatSchedule } from "../train/schedule.ts";
import { type JobData, stepsPerEpoch, trainingBatches } from "./_data.ts";
import { type Job, judge, samples, signalOf } from "./_job.ts";
import { tasksFor } from "./_task.ts";

/** An epoch of quantization-aware training, with what was measured after it. */
export interface QatEpoch extends EpochInfo {
  /** Of the fake-quantized model in TF.js; the first metric is the task's own. */
  readonly simulated: readonly MetricValue[];
  /** Of its int8 file in ONNX Runtime, in the same order; absent where the target has none. */
  readonly deployed?: readonly MetricValue[];
}

/** What training gave. */
export interface Training {
  readonly history: History;
  readonly epochs: readonly QatEpoch[];
}

/** Trains a prepared model in place; it ends with the weights of the epoch that was the best, by its int8 file if there is one. */
export async function trainQat(model: tfl.LayersModel, job: Job): Promise<Training> {
  const { options, events, data } = job;
  if (uncalibratedIn(model).length > 0) {
    await calibrate(model, calibrationBatches(model, data), { beforeTraining: true });
  }
  const steps = stepsPerEpoch(data);
  const optimizer = optimizerFor(options.optimizer, { learningRate: options.lr });
  const epochs: QatEpoch[] = [];
  events.onPhase?.({ name: "qat", epochs: options.epochs, stepsPerEpoch: steps });
  try {
    const history = await fit(model, {
      task: tasksFor(model, options, data),
      // Other orders and changes than those of the float epochs.
      train: (epoch) => trainingBatches(model, data, options.floatEpochs + options.adaptEpochs + epoch),
      epochs: options.epochs,
      stepsPerEpoch: steps,
      optimizer,
      learningRate: cosineRate(options.lr, { epochs: options.epochs }),
      schedule: qatSchedule({
        freezeObserversAfter: options.freezeObserversAfter,
        freezeBatchNormAfter: options.freezeBnAfter,
      }),
      seed: options.seed,
      ...signalOf(job),
      ...(events.onStep === undefined ? {} : { onStep: events.onStep }),
      onEpochEnd: async (info) => {
        const measured = await judgeBoth(model, job);
        epochs.push({ ...info, ...measured });
        events.onEpoch?.(info, Object.entries(measured).map(([name, [own]]) => ({ ...own, name })));
        return (measured.deployed ?? measured.simulated)[0].value;
      },
    });
    return { history, epochs };
  } finally {
    events.onPhaseEnd?.();
    optimizer.dispose();
  }
}

/** Batches that ranges are set from before training starts. */
const CALIBRATION_BATCHES = 4;

function* calibrationBatches(model: tfl.LayersModel, data: JobData): Iterable<Batch> {
  let count = 0;
  for (const batch of trainingBatches(model, data, 0)) {
    if (count++ === CALIBRATION_BATCHES) return;
    yield batch;
  }
}

/** Measures the model as simulated, and its int8 file in ONNX Runtime if there is one. */
async function judgeBoth(model: tfl.LayersModel, job: Job): Promise<Pick<QatEpoch, "simulated" | "deployed">> {
  const { inputLayout, opset, threads, precise, debug } = job.options;
  const { metrics: simulated, task, targets } = await judge(model, job);
  const { file } = job.quantization.target;
  if (file === undefined) return { simulated };
  const threaded = threads === undefined ? {} : { threads };
  const session = { device: job.engine.device.ran, precise, ...file.session, ...threaded };
  const { bytes } = await toOnnx(model, { inputLayout, opset, debug });
  return { simulated, deployed: measureAll(task, { answers: predictAll(bytes, samples(job), session), targets }) };
}

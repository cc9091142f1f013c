/** Made-up reports of jobs that do not train, for tests and for looking at. */
import { calibratedReport, trainedReport } from "./_test_sample_report.ts";
import type { Report, SqnrReport } from "./schema.ts";

/** What every one of them has. */
function common(): Report {
  const { schema, seed, versions, train, rewrites, bytes, latencyMs } = { ...trainedReport(), ...calibratedReport() };
  const model = { name: "expressions", layers: 40, parameters: 310_000 };
  return {
    schema,
    seed,
    versions,
    train,
    rewrites,
    model,
    task: { name: "", outputs: [] },
    metrics: [],
    bytes,
    latencyMs,
  };
}

/** Noise of an output, the same of the simulated model and the file. */
export function sqnrOf(output: string, sqnrDb: number | null, of: SqnrReport["of"] = "calibration"): SqnrReport {
  return { output, simulated: sqnrDb, deployed: sqnrDb, samples: 512, of };
}

/** A static job with two steps and without data to judge by. */
export function stepsReport(): Report {
  const standing = (sqnrDb: number | null) => ({ sqnr: [{ output: "softmax", sqnrDb }], metrics: [] });
  return {
    ...common(),
    agreement: [{ output: "softmax", compared: "codes", count: 3_584, different: 0, maxDifference: 0 }],
    sqnr: [sqnrOf("softmax", 31.24)],
    fusion: { int8: { QLinearConv: 12, QGemm: 1 }, float: [] },
    deploy: "model.int8.onnx",
    ptq: {
      method: "static",
      bits: 8,
      calibration: {
        data: "folder:photos",
        isDummy: false,
        samples: 512,
        observers: ["mse", "min-max"],
        seconds: 4.31,
      },
      steps: [
        {
          name: "equalize",
          description: "balance the ranges of neighbouring layers' weights, channel by channel",
          seconds: 0.2,
          samples: 128,
          effects: [{ layer: "conv1 → conv2", what: "ratio of the widest channel", before: 41.5, after: 1.5 }],
          left: [{ layer: "conv3", because: "its activation is swish" }],
          facts: ["18 channels in 1 group"],
          before: standing(24.1),
          after: standing(30.9),
        },
        {
          name: "correct-bias",
          description: "take what rounding adds to the mean of each channel off its bias",
          seconds: 75,
          samples: 128,
          effects: [],
          left: [],
          before: standing(30.9),
          after: standing(null),
        },
      ],
      seconds: 80.2,
    },
  };
}

/** The same with ranges of random numbers. */
export function dummyReport(): Report {
  const report = stepsReport();
  const calibration = { ...report.ptq!.calibration!, data: "dummy", isDummy: true };
  return { ...report, sqnr: [sqnrOf("softmax", 45, "random")], ptq: { ...report.ptq!, calibration, steps: [] } };
}

/** A file of 4-bit weights, of which nothing is simulated. */
export function weightsReport(): Report {
  return {
    ...common(),
    sqnr: [{ output: "softmax", deployed: 14, samples: 64, of: "random" }],
    deploy: "model.weights4.onnx",
    ptq: { method: "weights", bits: 4, block: 32, seconds: 1 },
  };
}

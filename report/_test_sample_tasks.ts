/** Made-up reports of tasks and targets other than the usual ones. */
import { seeded, trainedReport } from "./_test_sample_report.ts";
import type { MetricReport, Report } from "./schema.ts";

/** Two outputs and four metrics, of which most are errors; every field is there, and every kind of section. */
export function landmarksReport(): Report {
  const error = {
    name: "mean error",
    output: "points",
    unit: "% of the distance of the eyes",
    better: "lower",
  } as const;
  const metrics: readonly MetricReport[] = [
    {
      ...error,
      chance: 21.4,
      float: 3.412,
      simulated: 3.438,
      deployed: 3.441,
      count: 689,
      intervals: {
        float: { low: 3.301, high: 3.524, confidence: 0.95 },
        simulated: { low: 3.322, high: 3.551, confidence: 0.95 },
        deployed: { low: 3.324, high: 3.556, confidence: 0.95 },
      },
      change: { low: -0.004, high: 0.061, confidence: 0.95, p: 0.083, test: "bootstrap" },
    },
    { ...error, name: "MAE", unit: "px", float: 1.204, simulated: 1.219, deployed: 1.221, count: 689 },
    {
      name: "R²",
      output: "age",
      unit: "",
      better: "higher",
      chance: 0,
      float: 0.7031,
      simulated: 0.6912,
      deployed: 0.6907,
      count: 689,
    },
    {
      name: "hit rate",
      output: "age",
      unit: "fraction",
      better: "higher",
      float: 0.84,
      simulated: 0.83,
      deployed: null,
      count: 689,
    },
  ];
  const { name, output } = error;
  const base = trainedReport();
  return {
    ...base,
    task: {
      name: "landmarks",
      outputs: [
        { name: "points", task: "landmarks", decoding: { order: "x, y", scale: [96, 96] } },
        { name: "age", task: "regression" },
      ],
      left: ["embedding"],
    },
    metrics,
    agreement: [
      { output: "points", compared: "codes", count: 93_704, different: 1_204, maxDifference: 2 },
      {
        output: "age",
        compared: "values",
        count: 689,
        maxError: 0.0132,
        rmsError: 0.00214,
        alike: 0.9956,
        lastGrids: [
          { layer: "pool", count: 44_096, different: 3, maxDifference: 1 },
          { layer: "shape", count: 1_378, different: 0, maxDifference: 0 },
        ],
      },
    ],
    train: {
      ...base.train,
      epochs: base.train.epochs.map(({ epoch, loss, metrics: [{ simulated, deployed }], ...rest }) => ({
        ...rest,
        epoch,
        loss,
        metrics: [{
          name,
          output,
          simulated: 3.438 + 40 * (0.9326 - simulated!),
          deployed: 3.441 + 40 * (0.9326 - deployed!),
        }],
      })),
    },
    model: {
      name: "face_net",
      inputs: [{ name: "picture", shape: [96, 96, 3] }, { name: "box", shape: [4] }],
      layers: 31,
      parameters: 61_004,
    },
    data: { name: "csv:faces.csv", train: 3_148, validation: 349, test: 689, facts: ["68 points a face"] },
    target: {
      name: "arm",
      shows:
        "The file was run on x86, where ONNX Runtime takes int8 activations too: the answers are those of the file.",
      cannotShow: "The times say nothing of a phone.",
    },
    recipe: {
      name: "faces",
      rules: ["/^head/: float", "Conv2D: observer", '"age": float'],
      unmatched: ["/^head/: float"],
      resolved: [
        {
          layer: "conv2d_1",
          rules: ["Conv2D: observer"],
          method: "qat",
          weights: "int8 per channel",
          activations: "int8",
          observer: "moving average",
        },
        { layer: "age", rules: ['"age": float'], float: "it was asked to stay in float" },
      ],
    },
    backend: "onnxruntime",
    device: { asked: "webgpu", ran: "cpu", because: "there is no adapter", operators: { CPUExecutionProvider: 3 } },
    floatBefore: [
      { step: "original", isReference: false, metrics: [{ name, output, value: 3.398 }] },
      { step: "adapted", isReference: true, metrics: [{ name, output, value: 3.412 }] },
    ],
    islands: [{ layer: "age", because: "it was asked to stay in float" }],
    declined: [{
      pass: "absorb-activation",
      node: "age/Relu",
      op: "Relu",
      layer: "age",
      because: "its input is in float",
    }],
    sections: [
      {
        kind: "table",
        heading: "Worst examples",
        lead: "The pictures whose points are furthest off.",
        columns: [{ heading: "Picture" }, { heading: "Error", unit: "px" }, { heading: "Row" }],
        rows: [["a.png", 14.2, 17], ["b.png", 9.91, 4], [null, 8, null]],
      },
      {
        kind: "bars",
        heading: "Residuals",
        lead: "How often the age is off by how much; the middle is right.",
        x: { label: "error", unit: "years" },
        y: { label: "faces" },
        labels: ["-4", "-2", "0", "2", "4"],
        series: [
          { name: "float", model: "float", values: [12, 140, 380, 131, 26] },
          { name: "deployed", model: "deployed", values: [14, 143, 371, 133, 28] },
        ],
      },
      {
        kind: "curve",
        heading: "Precision and recall",
        lead: "The further to the top right the better.",
        marks: "line",
        x: { label: "recall", unit: "fraction", min: 0, max: 1 },
        y: { label: "precision", unit: "fraction", min: 0, max: 1 },
        series: [
          {
            name: "smiles",
            points: [[0, 1], [0.2, 0.99], [0.4, 0.97], [0.6, 0.93], [0.8, 0.84], [0.9, 0.7], [1, 0.31]],
          },
          { name: "glasses", points: [[0, 1], [0.5, 0.9], [1, 0.2]] },
        ],
      },
      {
        kind: "curve",
        heading: "Predicted over true age",
        lead: "Points on the line are right.",
        marks: "points",
        diagonal: true,
        x: { label: "true age", unit: "years" },
        y: { label: "predicted age", unit: "years" },
        series: [{ name: "deployed", model: "deployed", points: scatter(300) }],
      },
      {
        kind: "matrix",
        heading: "Confusion",
        lead: "Rows are what a picture shows, columns what was answered.",
        rows: { label: "right", names: ["glad", "sad", "angry"] },
        columns: { label: "answered", names: ["glad", "sad", "angry"] },
        values: [[310, 4, 2], [9, 180, 21], [1, 30, 132]],
      },
    ],
  };
}

function scatter(points: number): (readonly [number, number])[] {
  const random = seeded(11);
  return Array.from({ length: points }, () => {
    const age = 5 + 70 * random();
    return [age, age + 16 * (random() + random() - 1)];
  });
}

/** A job whose target is a simulation: nothing is deployed. */
export function simulatedReport(): Report {
  const { agreement: _, latencyMs: __, bytes: ___, fusion: ____, graph: _____, ...rest } = trainedReport();
  const { deployed: ______, ...metric } = rest.metrics[0];
  return {
    ...rest,
    metrics: [metric],
    train: {
      ...rest.train,
      epochs: rest.train.epochs.map(({ metrics, ...epoch }) => ({
        ...epoch,
        metrics: metrics.map(({ name, output, simulated }) => ({ name, output, simulated })),
      })),
    },
    files: rest.files?.filter(({ path }) => !path.endsWith(".onnx")),
    target: {
      name: "simulation",
      shows: "What quantization costs in TF.js.",
      cannotShow: "There is no file to deploy.",
    },
  };
}

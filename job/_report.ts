/** Puts together what the job found. */
import { version_core } from "@tensorflow/tfjs-core";
import { version_layers } from "@tensorflow/tfjs-layers";
import type { Report } from "../export/report/report.ts";
import type { Validation } from "../export/validate.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import type { History } from "../train/fit.ts";
import { accuracy } from "../train/metrics.ts";
import type { PreparedModel } from "../train/prepare.ts";
import type { JobData } from "./_data.ts";
import { describeLayers, parameterCount } from "./_layers_report.ts";
import type { ResolvedOptions } from "./options.ts";
import type { FloatAccuracies, QatEpoch } from "./qat.ts";

/** What the report is made of. */
export interface ReportParts {
  readonly options: ResolvedOptions;
  readonly data: JobData;
  readonly prepared: PreparedModel;
  readonly history: History;
  readonly epochs: readonly QatEpoch[];
  readonly float: FloatAccuracies;
  /** Accuracy of the simulated model. */
  readonly simulated: number;
  readonly validation: Validation;
  readonly rewrites: readonly Rewrite[];
}

/** Builds the report of a finished job. */
export function buildReport(parts: ReportParts): Report {
  const { options, data, prepared, history, epochs, float, simulated, validation } = parts;
  const { deployed, fusion } = validation;
  return {
    schema: 1,
    accuracy: {
      metric: accuracy.name,
      float: float.original,
      simulated,
      deployed: accuracy.measure({ outputs: deployed.values, values: deployed.width, labels: data.test.labels }),
      samples: data.test.count,
    },
    agreement: validation.agreement,
    latencyMs: validation.latencyMs,
    bytes: validation.bytes,
    fusion: { int8: fusion.int8, float: fusion.float },
    train: {
      epochs: epochs.map(({ epoch, loss, simulated, deployed, observing, trainingBatchNorm, stepMs }) => ({
        epoch,
        loss,
        simulated,
        deployed,
        observing,
        trainingBatchNorm,
        stepMs,
      })),
      firstStepMs: history.firstStepMs,
      stepMs: history.stepMs,
      peakRssMb: history.peakRssMb,
    },
    rewrites: [...parts.rewrites, ...prepared.rewrites].map(describeRewrite),
    seed: options.seed,
    versions: {
      deno: Deno.version.deno,
      tfjs: version_core,
      "tfjs-layers": version_layers,
      "onnxruntime-node": ORT_VERSION,
    },
    model: {
      name: options.model ?? options.arch,
      inputShape: [data.test.height, data.test.width, data.test.channels],
      layers: prepared.model.layers.length,
      parameters: parameterCount(prepared.model),
    },
    data: {
      name: data.name,
      train: data.train.count,
      test: data.test.count,
      classes: data.test.classNames.length,
    },
    options: describeOptions(options),
    floatBefore: float,
    layers: describeLayers(prepared),
    graph: { nodes: fusion.nodes },
    ...(history.bestEpoch === undefined ? {} : { bestEpoch: history.bestEpoch }),
    freeze: { observersAfter: options.freezeObserversAfter, batchNormAfter: options.freezeBnAfter },
    islands: prepared.islands,
  };
}

function describeRewrite(entry: Rewrite): Report["rewrites"][number] {
  const { rule, layer, ok } = entry;
  return { rule, layer, ok, because: entry.ok ? entry.what : entry.because };
}

function describeOptions(options: ResolvedOptions): NonNullable<Report["options"]> {
  const { keepFloat, ...plain } = options;
  return { ...plain, keepFloat: keepFloat.join(", ") };
}

/** Puts together what the job found. */
import { version_core } from "@tensorflow/tfjs-core";
import { version_layers } from "@tensorflow/tfjs-layers";
import { type AgreementReport, type EpochReport, type FloatStepReport, type Report, SCHEMA } from "../report/schema.ts";
import type { Agreement } from "../export/agreement.ts";
import type { Fusion } from "../export/verify.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { inputNames, outputNames } from "../models/ports.ts";
import { accuracy } from "../train/metrics.ts";
import { reportDevice } from "./_engine.ts";

import type { FloatAccuracies, Job, JobStart, Proof } from "./_job.ts";
import { describeLayers, parameterCount } from "./_layers_report.ts";
import type { ResolvedOptions } from "./options.ts";
import type { QatEpoch, Training } from "./_train.ts";

/** What the report is made of. */
export interface ReportParts {
  readonly job: Job;
  readonly start: JobStart;
  readonly training: Training;
  readonly proof: Proof;
  readonly command: string;
}

/** Builds the report of a finished job. */
export function buildReport({ job, start, training, proof, command }: ReportParts): Report {
  const { options, data } = job;
  const { prepared } = start;
  const { history, epochs } = training;
  const { validation } = proof;
  const { deployed, fusion } = validation;
  const output = outputNames(prepared.model).at(-1) ?? "";
  const metric = { name: accuracy.name, output };
  const scores = {
    metric: accuracy.name,
    ...floatAccuracy(start.accuracies),
    simulated: proof.simulated,
    deployed: accuracy.measure({ outputs: deployed.values, values: deployed.width, labels: data.test.labels }),
    samples: data.test.count,
  };
  const { float, simulated, samples: count } = scores;
  return {
    schema: SCHEMA,
    accuracy: scores,
    task: { name: "classification", outputs: [{ name: output, task: "classification" }] },
    metrics: [
      { ...metric, unit: "fraction", better: "higher", float, simulated, deployed: scores.deployed, count },
    ],
    agreement: describeAgreement(output, validation.agreement),
    latencyMs: validation.latencyMs,
    bytes: validation.bytes,
    fusion: { int8: fusion.int8, float: fusion.float },
    train: {
      epochs: epochs.map((epoch) => describeEpoch(epoch, metric)),
      firstStepMs: history.firstStepMs,
      stepMs: history.stepMs,
      peakRssMb: history.peakRssMb,
    },
    rewrites: [...start.rewrites, ...prepared.rewrites].map(describeRewrite),
    seed: options.seed,
    versions: {
      deno: Deno.version.deno,
      tfjs: version_core,
      "tfjs-layers": version_layers,
      "onnxruntime-node": ORT_VERSION,
    },
    model: {
      name: options.model ?? options.arch,
      inputs: inputNames(prepared.model).map((name) => ({
        name,
        shape: [data.test.height, data.test.width, data.test.channels],
      })),
      layers: prepared.model.layers.length,
      parameters: parameterCount(prepared.model),
    },
    data: {
      name: data.name,
      train: data.train.count,
      test: data.test.count,
      facts: [`${data.test.classNames.length} classes`],
    },
    command,
    options: describeOptions(options),
    machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
    backend: job.engine.backend,
    device: reportDevice(job.engine.device, proof.int8.bytes),
    ...floatBefore(start.accuracies, metric),
    layers: describeLayers(prepared),
    graph: { nodes: fusion.nodes },
    ...(history.bestEpoch === undefined ? {} : { bestEpoch: history.bestEpoch }),
    freeze: { observersAfter: options.freezeObserversAfter, batchNormAfter: options.freezeBnAfter },
    islands: prepared.islands.filter(({ layer }) => !runsInInt8(layer, fusion)),
  };
}

/**
 * Whether ONNX Runtime runs a layer on integers all the same. A pool or an Add that was asked to stay in float stands
 * between grids, and is computed there with the same result.
 */
function runsInInt8(layer: string, { nodes, float }: Fusion): boolean {
  return nodes.some((node) => node.layer === layer && node.int8) && !float.some((node) => node.layer === layer);
}

/**
 * What quantization is measured against: the float model as the user knows it, with its own activations; where none was
 * swapped, after further float training.
 */
function floatAccuracy({ original, swapped, adapted }: FloatAccuracies): { readonly float: number } {
  return { float: swapped === undefined && adapted !== undefined ? adapted : original };
}

/** The way there, if it has more than one step. */
function floatBefore(accuracies: FloatAccuracies, metric: MetricName): Pick<Report, "floatBefore"> {
  const { original, swapped, adapted } = accuracies;
  if (swapped === undefined && adapted === undefined) return {};
  const { float } = floatAccuracy(accuracies);
  const step = (name: FloatStepReport["step"], value: number | undefined): FloatStepReport[] =>
    value === undefined ? [] : [{ step: name, isReference: value === float, metrics: [{ ...metric, value }] }];
  return {
    floatBefore: [
      ...step("original", original),
      ...step("swapped", swapped),
      ...(swapped === undefined ? [] : step("adapted", adapted)),
    ],
  };
}

/** Which metric a number is of. */
interface MetricName {
  readonly name: string;
  readonly output: string;
}

function describeEpoch(epoch: QatEpoch, metric: MetricName): EpochReport {
  const { simulated, deployed, loss, observing, trainingBatchNorm, stepMs } = epoch;
  return {
    epoch: epoch.epoch,
    loss,
    metrics: [{ ...metric, simulated, deployed }],
    observing,
    trainingBatchNorm,
    stepMs,
  };
}

/** Nothing is said where nothing was compared. */
function describeAgreement(output: string, { top1: alike, codes }: Agreement): readonly AgreementReport[] {
  const { compared: count, different, maxDifference } = codes;
  return count === 0 ? [] : [{ output, compared: "codes", count, different, maxDifference, alike }];
}

function describeRewrite(entry: Rewrite): Report["rewrites"][number] {
  const { rule, layer, ok } = entry;
  return { rule, layer, ok, because: entry.ok ? entry.what : entry.because };
}

function describeOptions(options: ResolvedOptions): NonNullable<Report["options"]> {
  const { keepFloat, ...plain } = options;
  return { ...plain, keepFloat: keepFloat.join(", ") };
}

/** What reports of all jobs have in common. */
import { version_core } from "@tensorflow/tfjs-core";
import { type LayersModel, version_layers } from "@tensorflow/tfjs-layers";
import { describeNormalize } from "../data/normalize.ts";
import { imageBytes } from "../data/dataset.ts";
import { describeTarget, mapValues, middleOf, type SampleSet, storedShape } from "../data/samples.ts";
import type { Agreement } from "../export/agreement.ts";
import type { OnnxModel } from "../export/to_onnx.ts";
import type { Validation } from "../export/validate.ts";
import type { Fusion } from "../export/verify.ts";
import { inputNames, inputShapesOf } from "../models/ports.ts";
import {
  type AgreementReport,
  type IslandReport,
  type Report,
  SCHEMA,
  type TaskReport,
  type WorkReport,
} from "../report/schema.ts";
import { reportSections } from "../report/report_sections.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import type { PictureBytes } from "../tasks/section.ts";
import type { BoundTask, Shown } from "../tasks/task.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { hasImages, type JobData } from "./_data.ts";
import type { Job } from "./_job.ts";
import { parameterCount } from "./_layers_report.ts";

/** What came of a job by whichever command: how to get it again, and of what it is. */
export function describeOrigin(
  job: Job,
  { model, command }: { readonly model: LayersModel; readonly command: string },
) {
  const { options } = job;
  return {
    schema: SCHEMA,
    seed: options.seed,
    versions: {
      deno: Deno.version.deno,
      tfjs: version_core,
      "tfjs-layers": version_layers,
      "onnxruntime-node": ORT_VERSION,
    },
    model: {
      name: options.model ?? model.name,
      inputs: inputNames(model).map((name, i) => ({ name, shape: inputShapesOf(model)[i] })),
      layers: model.layers.length,
      parameters: parameterCount(model),
    },
    command,
    options: describeOptions(options),
    machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
    backend: job.engine.backend,
  } as const;
}

/** What is worth saying of data in a few words. */
export function factsOf(data: JobData): readonly string[] {
  return [
    ...Object.values(data.test.targets).map(describeTarget),
    ...(hasImages(data) ? [`images ${describeNormalize(data.normalize)}`] : []),
  ];
}

/** What was found of an exported file. */
export function describeFile({ declined }: Pick<OnnxModel, "declined">, { latencyMs, work, bytes }: Validation) {
  return { latencyMs, work: describeWork(work), bytes, ...(declined.length === 0 ? {} : { declined }) };
}

function describeWork({ joules, ...cpu }: Validation["work"]): WorkReport {
  return "because" in joules ? { ...cpu, noJoules: joules.because } : { ...cpu, joules };
}

/** What ONNX Runtime makes of a file. */
export function describeFusion({ int8, moved, float, nodes }: Fusion): Pick<Report, "fusion" | "graph"> {
  return { fusion: { int8, moved, float }, graph: { nodes } };
}

/** Layers that stay in float on purpose, without those that ONNX Runtime runs on integers all the same. */
export function describeIslands(
  islands: readonly IslandReport[],
  fusion: Fusion | undefined,
): readonly IslandReport[] {
  return islands.filter(({ layer }) => !runsInInt8(layer, fusion));
}

/**
 * Whether ONNX Runtime runs a layer on integers all the same. A pool or an Add that was asked to stay in float stands
 * between grids, and is computed there with the same result.
 */
function runsInInt8(layer: string, fusion: Fusion | undefined): boolean {
  if (fusion === undefined) return false;
  const { nodes, float } = fusion;
  return nodes.some((node) => node.layer === layer && node.int8) && !float.some((node) => node.layer === layer);
}

/** Describes a task by its outputs. */
export function describeTask({ name, heads, left }: BoundTask): TaskReport {
  const outputs = Object.entries(heads).map(([name, { task, decoding }]) => ({ name, task, decoding }));
  return { name, outputs, ...(left.length === 0 ? {} : { left }) };
}

/** Describes how alike two models answer. */
export function describeAgreement(agreement: Agreement): readonly AgreementReport[] {
  return agreement.map(({ output, same, compared }) => {
    const common = { output, count: compared.count, ...(same === undefined ? {} : { alike: same }) };
    if (compared.kind === "codes") {
      const { different, maxDifference } = compared;
      return { ...common, compared: "codes", different, maxDifference };
    }
    const { maxDifference, rmsDifference, lastGrids } = compared;
    return {
      ...common,
      compared: "values",
      maxError: maxDifference,
      rmsError: rmsDifference,
      ...(lastGrids === undefined ? {} : { lastGrids }),
    };
  });
}

/** Describes how alike the simulated and the deployed model answer: codes, and what the task is after. */
export function describeAgreements(
  { agreement, taskAgreement }: Validation,
): Pick<Report, "agreement" | "taskAgreement"> {
  return {
    agreement: describeAgreement(agreement),
    ...(taskAgreement === undefined ? {} : { taskAgreement }),
  };
}

/** Models whose answers sections show. */
export interface ShownModels {
  /** The model whose answers count: the deployed one, if there is a file. */
  readonly judged: Evaluation;
  readonly others: Readonly<Partial<Record<keyof Shown["others"], Evaluation>>>;
}

/** What the task shows of models' answers. */
export async function describeSections(
  { judged: { task, answers, targets }, others }: ShownModels,
  { data: { test } }: Pick<Job, "data">,
): Promise<Pick<Report, "sections">> {
  const shown: Shown = {
    others: mapValues(others, (other) => renamed(other.answers, Object.keys(answers))),
    decodings: mapValues(
      others,
      (other) => renamed(mapValues(other.task.heads, ({ decoding }) => decoding), Object.keys(task.heads)),
    ),
    picture: (sample) => pictureOf(test, sample),
  };
  const sections = await reportSections(task.sections({ answers, targets }, shown));
  return sections.length === 0 ? {} : { sections };
}

/** Preparing a model may rename its outputs: it is their order that stays. */
function renamed<T>(byOutput: Readonly<Record<string, T>>, names: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.values(byOutput).map((own, i) => [names[i], own]));
}

/** The first of a sample's inputs that is a picture. */
function pictureOf({ inputs }: SampleSet, sample: number): PictureBytes | undefined {
  const pictures = Object.values(inputs).find((input) => input.kind === "pictures");
  if (pictures === undefined) return undefined;
  const { height, width, channels, bytes } = pictures;
  const size = imageBytes(storedShape(pictures));
  return { height, width, channels, bytes: middleOf(bytes.subarray(sample * size, (sample + 1) * size), pictures) };
}

/** Describes a rewrite that was done or declined. */
export function describeRewrite(entry: Rewrite): Report["rewrites"][number] {
  const { rule, layer, ok } = entry;
  return { rule, layer, ok, because: entry.ok ? entry.what : entry.because };
}

function describeOptions(options: Job["options"]): NonNullable<Report["options"]> {
  // Lists are written as on the command line.
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, typeof value === "object" ? value.join(", ") : value]),
  );
}

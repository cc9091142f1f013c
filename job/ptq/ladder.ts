/** How a simulated model stands between steps: measured on some of the samples, against the float model. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Batch } from "../../data/batches.ts";
import type { StandingReport, StepReport } from "../../report/schema.ts";
import { evaluate, type Evaluation } from "../../train/evaluate.ts";
import { judgedBatches } from "../_data.ts";
import { signalOf } from "../_job.ts";
import { measured } from "../_metrics_report.ts";
import { prepareFor } from "../_recipe.ts";
import { tasksFor } from "../_task.ts";
import type { CalibrationData } from "./data.ts";
import type { PtqJob } from "./job.ts";
import { findRanges } from "./ranges.ts";
import { sqnrOf } from "./sqnr.ts";

/** Samples that a model is measured on between steps, and calibrated on for that where it is in float. */
const SAMPLES = 128;

/** Where a model stands: how it answers. */
export type Standing = Evaluation;

/** Measures float models by what they come to when they are prepared and calibrated on some of the samples. */
export class FloatLadder {
  #float: Promise<Evaluation> | undefined;
  #last: { readonly model: LayersModel; readonly standing: Standing } | undefined;

  /** Takes `original` as what every answer is measured against. */
  constructor(
    readonly job: PtqJob,
    private readonly calibration: CalibrationData,
    private readonly original: LayersModel,
  ) {}

  /** Says how `model` stands, as it would be if nothing else were done. */
  async stand(model: LayersModel): Promise<Standing> {
    this.#float ??= this.judge(this.original);
    await this.#float;
    if (this.#last?.model === model) return this.#last.standing;
    const prepared = prepareFor(model, this.job.quantization);
    try {
      await findRanges(prepared, { job: this.job, calibration: this.calibration, most: SAMPLES });
      const standing = await this.judge(prepared.model);
      this.#last = { model, standing };
      return standing;
    } finally {
      prepared.model.dispose();
    }
  }

  /** Writes down where a model stood before a step and after it. */
  async around(before: Standing, after: Standing): Promise<Pick<StepReport, "samples" | "before" | "after">> {
    const float = await (this.#float ??= this.judge(this.original));
    return { samples: after.count, before: describe(float, before), after: describe(float, after) };
  }

  /** Runs `model` on the samples that are measured on. */
  judge(model: LayersModel): Promise<Evaluation> {
    const { options, data } = this.job;
    return evaluate(model, firstOf(judgedBatches(model, { data, by: "test" }), SAMPLES), {
      task: tasksFor(model, options, data),
      ...signalOf(this.job),
    });
  }
}

/** Measures one prepared model, which steps change in place. */
export class PreparedLadder {
  #last: Standing | undefined;

  /** Measures `model` as `ladder` does. */
  constructor(private readonly ladder: FloatLadder, private readonly model: LayersModel) {}

  /** Says how the model stands now, before a step. */
  async before(): Promise<Standing> {
    return this.#last ??= await this.ladder.judge(this.model);
  }

  /** Says how the model stands now that a step has changed it. */
  async after(): Promise<Standing> {
    return this.#last = await this.ladder.judge(this.model);
  }
}

function describe(float: Evaluation, { answers, metrics }: Standing): StandingReport {
  return {
    sqnr: sqnrOf(float.answers, answers),
    metrics: metrics.map(({ name, output, value }) => ({ name, output, value: measured(value) })),
  };
}

/** Cuts batches off after so many samples, or a few more: a batch stays whole. */
function* firstOf(batches: Iterable<Batch>, most: number): Generator<Batch> {
  let count = 0;
  for (const batch of batches) {
    if (count >= most) return;
    count += batch.size;
    yield batch;
  }
}

/** A job of quantization without training. */
import type { Job } from "../_job.ts";
import type { PtqJobOptions } from "../ptq_options.ts";

/** A job under way. */
export interface PtqJob extends Job {
  readonly options: PtqJobOptions;
}

/** What the job tells while it runs. */
import type { EpochInfo, Reading, StepInfo } from "../train/fit.ts";

/**
 * A stage of training: "float", "adapted" to swapped activations, "qat" with fake quantization; "control" is the float
 * model trained on as long as that. "own-adapted" and "own-control" are the same as without "own", of the model with the
 * activations that it had before they were swapped.
 */
export type StageName = "float" | "adapted" | "own-adapted" | "control" | "own-control" | "qat";

/** A stretch of training. */
export interface JobPhase {
  readonly name: StageName;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

/** Work that is no training, part by part. */
export interface JobWork {
  /** What is done: "calibrate", or the name of a step. */
  readonly name: string;
  /** How much of it is done, in any unit. */
  readonly done: number;
  readonly of: number;
}

/** What is told while the job runs, and what may stop it. */
export interface JobEvents {
  /** A line of text: what is done, what came out. */
  readonly log?: (line: string) => void;
  /** A training phase begins. */
  readonly onPhase?: (phase: JobPhase) => void;
  /** A step was taken. */
  readonly onStep?: (step: StepInfo) => void;
  /** An epoch ended; the scores, there in quantization-aware training, are the task's first metric by what was judged. */
  readonly onEpoch?: (epoch: EpochInfo, scores?: readonly Reading[]) => void;
  /** A part of work that is no training was done. */
  readonly onWork?: (work: JobWork) => void;
  /** The training phase, or the work, ended. */
  readonly onPhaseEnd?: () => void;
  /** The job has begun: from now on `resume: dir` goes on with it, wherever it stops. */
  readonly onBegin?: (dir: string) => void;
  /** Ends the job after the step under way; the state of training is written then, and its reason thrown. */
  readonly signal?: AbortSignal;
}

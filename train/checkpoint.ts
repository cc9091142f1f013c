/** Checkpoints of a training: its whole state on the disk, so that another process goes on with it. */
import type { OutputError } from "../src/io/errors.ts";

export { CheckpointError } from "../src/io/errors.ts";

/** Where the state of a training is kept, and how often. */
export interface CheckpointOptions {
  /**
   * A folder for this training alone, made if it is not there. If it holds a state, training goes on from that: with
   * the same model, options and batches it ends with the very weights that it would have had undisturbed.
   */
  readonly dir: string;
  /** Minutes after which the state is written within an epoch; it is after each epoch anyway. Default 5. */
  readonly minutes?: number;
  /** State of the caller's own that belongs to it, as plain data: what `onEpochEnd` has gathered. */
  readonly own?: {
    /** Returns the state as it is now. */
    readonly save: () => unknown;
    /** Takes a state back, before training goes on. */
    readonly restore: (saved: unknown) => void;
  };
  /** Called when training goes on from a state. */
  readonly onResume?: (at: CheckpointPlace) => void;
  /** Called after each write. */
  readonly onWrite?: (written: CheckpointWritten) => void;
  /** Told of a state that could not be written; the one before it stays, and training goes on. Default: it is thrown. */
  readonly onFailure?: (error: OutputError) => void;
}

/** Where a training stands. */
export interface CheckpointPlace {
  /** Epochs completed. */
  readonly epochs: number;
  /** Steps of the next epoch that are behind it. */
  readonly steps: number;
  /** Whether nothing is left to do. */
  readonly isFinished: boolean;
}

/** A state that was written. */
export interface CheckpointWritten extends CheckpointPlace {
  readonly bytes: number;
  /** What it took. */
  readonly ms: number;
}

/** Minutes between states within an epoch. */
export const CHECKPOINT_MINUTES = 5;

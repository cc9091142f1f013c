/** The contract of what reads a file's outputs. */
import type { Placement } from "../data/letterbox.ts";
import type { PictureAnswer } from "./answer.ts";
import type { FileInput, FileOutput } from "./_file.ts";

/** Where a picture lies within the one that went into the model. */
export interface Place {
  readonly placement: Placement;
  readonly shape: Pick<FileInput, "height" | "width">;
}

/** Which answers are told. */
export interface Telling {
  /** Things and labels of which the model is less sure are left out. Default: as the file says. */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this IoU the surer one is told. Default: as the file says. */
  readonly nmsIou?: number;
}

/** How outputs are read together. */
export interface OutputReader {
  readonly outputs: readonly string[];
  /** Reads what each of the outputs gave for a picture. */
  readonly read: (rows: readonly Float32Array[], place: Place) => PictureAnswer;
}

/** Looks at what is said of the outputs of a task, and returns how they are read. */
export type OpenOutputs = (outputs: readonly FileOutput[], telling: Telling) => readonly OutputReader[];

/** Reads outputs of a task each by itself. */
export function each(
  open: (output: FileOutput, telling: Telling) => (row: Float32Array, place: Place) => PictureAnswer,
): OpenOutputs {
  return (outputs, telling) =>
    outputs.map((output) => {
      const read = open(output, telling);
      return { outputs: [output.name], read: ([row], place) => read(row, place) };
    });
}

/** What is told of a model that is imported: what became of each node, and how its answers compare with the source's. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { CodeType } from "../../src/numbers/codes.ts";

/** What a node of the source became. */
export interface ImportRecord {
  /** The node's name, as the source has it, or the place of one without a name. */
  readonly node: string;
  /** What it computes, in the source's words. */
  readonly operator: string;
  /**
   * Names of the layers that it became; none where it only says how the numbers of another are to be read. "constant": no
   * input decides what it gives. "cut": no output that is kept depends on it.
   */
  readonly became: readonly string[] | "constant" | "cut";
  /** What else there is to say of it. */
  readonly note?: string;
}

/** How far an output is from the source's. */
export interface Difference {
  /** The output's name. */
  readonly output: string;
  /** The largest difference of two numbers, of the source's largest number. */
  readonly error: number;
}

/**
 * Answers as the source does, by what runs it.
 *
 * Takes a tensor for each input of the imported model and gives one for each of its outputs, in the layouts that the
 * imported model has.
 */
export type SourceAnswers = (inputs: readonly tf.Tensor[]) => Promise<readonly tf.Tensor[]>;

/** A grid of a file: one scale, or one a slice along an axis. */
export interface FileGrid {
  readonly dtype: CodeType;
  /** The first and last code of the type. */
  readonly qmin: number;
  readonly qmax: number;
  readonly scale: readonly number[];
  /** As many as scales. */
  readonly zeroPoint: readonly number[];
  /** Where there are several scales: of the file's tensor, from its end if negative. */
  readonly axis: number;
}

/** What a quantized file has beside the float model that it stands for. */
export interface ImportedGrids {
  /** Grids of values, called as the layers that give them. */
  readonly values: ReadonlyMap<string, FileGrid>;
  /** Grids of weights, by the layers that have them: one, or one an output channel. */
  readonly weights: ReadonlyMap<string, FileGrid>;
  /** Whether some ranges are found at run time. */
  readonly isDynamic: boolean;
  /** The file as it is, rounding all that it rounds. */
  readonly answer: SourceAnswers;
}

/** What is told of an import. */
export interface ImportFacts {
  /** In the source's order. */
  readonly records: readonly ImportRecord[];
  /** On random numbers, for each output; absent: nothing here runs the source. */
  readonly compared?: readonly Difference[];
  /** What runs the source, in words, and how it is asked; absent where nothing does. */
  readonly source?: { readonly by: string; readonly answer: SourceAnswers };
  /** Of a quantized file; the model is the float one that it stands for. */
  readonly grids?: ImportedGrids;
}

/** The least that the largest number of an answer counts as: below it differences are absolute. */
const LEAST_LARGEST = 1e-6;

/** Returns the largest difference of two answers' numbers, of the largest number known; infinite where one is no number. */
export function differenceOf(own: ArrayLike<number>, known: ArrayLike<number>): number {
  let [most, largest] = [0, LEAST_LARGEST];
  for (let i = 0; i < known.length; i++) {
    // Infinities that agree do; what is no number agrees with nothing but itself.
    const difference = Object.is(own[i], known[i]) ? 0 : Math.abs(own[i] - known[i]);
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
    if (Number.isFinite(known[i])) largest = Math.max(largest, Math.abs(known[i]));
  }
  return own.length === known.length ? most / largest : Infinity;
}

/** Compares what `model` answers to `inputs`, one for each of its own, with what its source does. */
export async function compareWithSource(
  model: tfl.LayersModel,
  { answer, inputs, names }: {
    readonly answer: SourceAnswers;
    readonly inputs: readonly tf.Tensor[];
    /** Of the outputs. */
    readonly names: readonly string[];
  },
): Promise<readonly Difference[]> {
  const known = await answer(inputs);
  const own = [model.predict(inputs.length === 1 ? inputs[0] : [...inputs])].flat();
  try {
    return await Promise.all(names.map(async (output, i) => ({
      output,
      error: differenceOf(await own[i].data(), await known[i].data()),
    })));
  } finally {
    tf.dispose([...known, ...own]);
  }
}

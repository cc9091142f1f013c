/** Sample sets: named inputs and named targets as plain typed arrays. A labelled image set is one of each. */
import { imageBytes, type ImageSet, type ImageShape, type Parts } from "./dataset.ts";
import { type Pixels, selectPixels } from "./pixels.ts";

/** Numbers of a placement in `Pictures.placements`. */
export const PLACEMENT_NUMBERS = 6;

/** Pictures of one shape. */
export interface Pictures extends ImageShape {
  readonly kind: "pictures";
  /** [count, height, width, channels], 0 black to 255 white; with a surround, of `storedShape`. */
  readonly bytes: Pixels;
  /** Pixels that each is stored with beyond every side of it, which random changes may bring in. Absent: none. */
  readonly surround?: number;
  /**
   * Where the originals lie within letterboxed pictures, [count, 6]: left, top, width and height in pixels of these, then
   * width and height of the original. `data/letterbox.ts` reads them. Absent: an original is the picture.
   */
  readonly placements?: Int32Array;
}

/** Returns the shape that pictures are stored in: their own, and what surrounds them. */
export function storedShape(
  { height, width, channels, surround = 0 }: ImageShape & Pick<Pictures, "surround">,
): ImageShape {
  return { height: height + 2 * surround, width: width + 2 * surround, channels };
}

/** Copies the middle of a picture that is stored with what surrounds it, into `out`. */
export function middleOf(
  stored: Uint8Array,
  pictures: ImageShape & Pick<Pictures, "surround">,
  out: Uint8Array = new Uint8Array(imageBytes(pictures)),
): Uint8Array {
  const { height, width, channels, surround = 0 } = pictures;
  const wide = storedShape(pictures).width;
  for (let y = 0; y < height; y++) {
    const from = ((surround + y) * wide + surround) * channels;
    out.set(stored.subarray(from, from + width * channels), y * width * channels);
  }
  return out;
}

/** Numbers in columns, a row a sample. */
export interface Columns {
  /** [count, names.length], row-major. */
  readonly values: Float32Array;
  /** Names of the columns. */
  readonly names: readonly string[];
}

/** Sequences of tokens, all of one length. */
export interface Tokens {
  readonly kind: "tokens";
  /** [count, length], each an index into `names`. */
  readonly values: Int32Array;
  /** Tokens of a sequence. */
  readonly length: number;
  /** The vocabulary: what each token stands for. */
  readonly names: readonly string[];
  /** The token that shorter sequences are filled up with at their ends; absent: there are no shorter ones. */
  readonly padding?: number;
}

/** Sequences of rows of numbers, all of one length. */
export interface Series {
  readonly kind: "series";
  /** [count, length, names.length]; what stands behind a sequence's end is no number of it. */
  readonly values: Float32Array;
  /** Rows of a sequence. */
  readonly length: number;
  /** Names of the columns. */
  readonly names: readonly string[];
  /** Rows that each sequence has, at least one; absent: all of them have `length`. */
  readonly steps?: Int32Array;
  /** What all columns have behind a sequence's end, once a model is known that leaves it out. */
  readonly padding?: number;
}

/**
 * What rows behind a sequence's end have for a model that is built for them: no standardized number is near, and half
 * precision has it.
 */
export const SERIES_PADDING = -32768;

/** What a model is shown. */
export type SampleInput = Pictures | (Columns & { readonly kind: "rows" }) | Tokens | Series;

/** Numbers of a box: x and y of its centre, width, height, class, whether it is difficult. */
export const BOX_NUMBERS = 6;

/** Things in a picture, any number a sample. */
export interface Boxes {
  readonly kind: "boxes";
  /**
   * [count, most, 6]: x and y of the centre, width and height as shares of the sides of the picture that goes into the
   * model; the class, an index into `names`; 1 of what is difficult to see, else 0. Rows at the end that stand for nothing
   * have the class -1 and zeros.
   */
  readonly values: Float32Array;
  /** Rows of a sample. */
  readonly most: number;
  /** Names of the classes. */
  readonly names: readonly string[];
}

/** Points in a picture, the same for each sample. */
export interface Points {
  readonly kind: "points";
  /** [count, names.length, 2]: x and y as shares of the picture's sides; a point may lie outside of it. */
  readonly values: Float32Array;
  readonly names: readonly string[];
  /** Which point each becomes in a mirrored picture; absent: pictures cannot be mirrored. */
  readonly mirror?: readonly number[];
  /** Lengths that errors are measured in, by name: the distance between the centres of two groups of points. */
  readonly scales?: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  /** Height and width in pixels of the picture that goes into the model; absent where nobody knows them. */
  readonly size?: readonly [height: number, width: number];
  /**
   * What the box of the points was grown by at each side, as a share of its own sides, before pictures were cropped to it;
   * absent: they are whole.
   */
  readonly margin?: number;
}

/** What a pixel has in a mask that counts for nothing. */
export const NO_CLASS = 255;

/** The class of each pixel of a picture. */
export interface Masks {
  readonly kind: "masks";
  readonly height: number;
  readonly width: number;
  /** [count, height, width], each an index into `names`, or 255, which counts for nothing. */
  readonly values: Uint8Array;
  /** Names of the classes. */
  readonly names: readonly string[];
}

/** What a model should answer. */
export type SampleTarget =
  | {
    readonly kind: "classes";
    /** An index into `names` for each sample, or for each position of each sample: [count] or [count, positions]. */
    readonly labels: Int32Array;
    readonly names: readonly string[];
    /** Labels of a sample; absent: it has one, and is itself what is classified. */
    readonly positions?: number;
  }
  /** Finite numbers. */
  | (Columns & { readonly kind: "reals" })
  /** Zeros and ones. */
  | (Columns & { readonly kind: "flags" })
  | Boxes
  | Points
  | Masks;

/** Samples with what is known of them. */
export interface SampleSet {
  /** Name for messages and reports, such as "mnist train". */
  readonly name: string;
  /** How many samples there are, at least one. */
  readonly count: number;
  readonly inputs: Readonly<Record<string, SampleInput>>;
  readonly targets: Readonly<Record<string, SampleTarget>>;
  /**
   * For each sample the name of the group that it belongs to, such as a person: samples of one are nearly alike, and should
   * not be in two parts. Absent: each stands for itself.
   */
  readonly groups?: readonly string[];
}

/** A sample set in parts. */
export interface SampleSplit extends Parts<SampleSet> {
  /** Name for messages and reports. */
  readonly name: string;
}

/** Takes labelled images as samples: the input "image" and the target "label". Shares the set's memory. */
export function samplesOf(set: ImageSet): SampleSet {
  const { name, count, height, width, channels, images, labels, classNames } = set;
  return {
    name,
    count,
    inputs: { image: { kind: "pictures", height, width, channels, bytes: images } },
    targets: { label: { kind: "classes", labels, names: classNames } },
  };
}

/** Keeps the samples at `indices`, in that order, as the set called `name`. Copies. */
export function selectSamples(set: SampleSet, { indices, name }: {
  readonly indices: readonly number[];
  readonly name: string;
}): SampleSet {
  return {
    name,
    count: indices.length,
    ...(set.groups === undefined ? {} : { groups: indices.map((i) => set.groups?.[i] ?? "") }),
    inputs: mapValues(set.inputs, (input) => pickInputs(input, indices)),
    targets: mapValues(set.targets, (target) => {
      const width = targetWidth(target);
      switch (target.kind) {
        case "classes":
          return { ...target, labels: pickRows(target.labels, { indices, width }) };
        case "masks":
          return { ...target, values: pickRows(target.values, { indices, width }) };
        default:
          return { ...target, values: pickRows(target.values, { indices, width }) };
      }
    }),
  };
}

function pickInputs(input: SampleInput, indices: readonly number[]): SampleInput {
  switch (input.kind) {
    case "pictures": {
      const { placements } = input;
      return {
        ...input,
        bytes: selectPixels(input.bytes, { indices, width: imageBytes(storedShape(input)) }),
        ...(placements === undefined
          ? {}
          : { placements: pickRows(placements, { indices, width: PLACEMENT_NUMBERS }) }),
      };
    }
    case "rows":
      return { ...input, values: pickRows(input.values, { indices, width: input.names.length }) };
    case "tokens":
      return { ...input, values: pickRows(input.values, { indices, width: input.length }) };
    case "series": {
      const width = input.length * input.names.length;
      const steps = input.steps === undefined ? {} : { steps: pickRows(input.steps, { indices, width: 1 }) };
      return { ...input, values: pickRows(input.values, { indices, width }), ...steps };
    }
  }
}

function pickRows<T extends Float32Array | Int32Array | Uint8Array>(
  values: T,
  { indices, width }: { readonly indices: readonly number[]; readonly width: number },
): T {
  const picked = values.slice(0, indices.length * width);
  indices.forEach((from, to) => picked.set(values.subarray(from * width, (from + 1) * width), to * width));
  // A slice of an array is one of its own kind.
  return picked as T;
}

/** Returns the shape of one sample: [h, w, c] of a picture, [columns] of a row, [length] of tokens, [length, columns] of rows. */
export function inputShape(input: SampleInput): readonly number[] {
  switch (input.kind) {
    case "pictures":
      return [input.height, input.width, input.channels];
    case "rows":
      return [input.names.length];
    case "tokens":
      return [input.length];
    case "series":
      return [input.length, input.names.length];
  }
}

/** Returns the numbers of one sample's target; of a class, 1. */
export function targetWidth(target: SampleTarget): number {
  switch (target.kind) {
    case "classes":
      return target.positions ?? 1;
    case "boxes":
      return target.most * BOX_NUMBERS;
    case "points":
      return 2 * target.names.length;
    case "masks":
      return target.height * target.width;
    default:
      return target.names.length;
  }
}

const COUNTED: Readonly<Record<SampleTarget["kind"], readonly [one: string, many: string]>> = {
  classes: ["class", "classes"],
  reals: ["number", "numbers a sample"],
  flags: ["label", "labels"],
  boxes: ["class of boxes", "classes of boxes"],
  points: ["point", "points"],
  masks: ["class of pixels", "classes of pixels"],
};

/** Says in a few words what is to be answered: "10 classes". */
export function describeTarget({ kind, names }: SampleTarget): string {
  const [one, many] = COUNTED[kind];
  return `${names.length} ${names.length === 1 ? one : many}`;
}

/** Changes each value of a record. */
export function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

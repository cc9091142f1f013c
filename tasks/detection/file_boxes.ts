/**
 * How a file's answers are read as boxes, from what the file says of itself: the metadata `outputs` holds for each output
 * what `decodingOf` writes. Whoever reads the same fields gets the same boxes.
 */
import type { Answers } from "../../models/answers.ts";
import { showValue } from "../../src/text/plain.ts";
import type { Head } from "../task.ts";
import { isReach } from "../../models/detection.ts";
import type { FoundBox, Rectangle } from "./boxes.ts";
import { decodeAnswers, type DecodeOptions } from "./decode.ts";
import type { Grid, Grids, HeadKind, Size } from "./grids.ts";

/** What a file says of an output with boxes. */
export interface BoxDecoding {
  readonly answer: "boxes";
  readonly kind: HeadKind;
  /** What an anchor's numbers are, in their order. */
  readonly numbers: readonly string[];
  /** Rows and columns of cells. */
  readonly grid: readonly [rows: number, columns: number];
  /** Pixels of the picture that goes in. */
  readonly anchors: readonly Size[];
  /** Where it is not 1: see `Grid`. */
  readonly reach?: number;
  /** Height and width of the picture that goes in. */
  readonly input: readonly [height: number, width: number];
  readonly classes: readonly string[];
  readonly scoreThreshold: number;
  readonly nmsIou: number;
}

/** Says how the numbers of one grid are read. */
export function decodingOf(
  { height, width, anchors, reach }: Grid,
  { kind, input, classes, scoreThreshold, nmsIou }: Pick<BoxDecoding, "kind" | "input" | "classes"> & DecodeOptions,
): BoxDecoding {
  const names = ["tx", "ty", "tw", "th", "objectness", "classes"];
  return {
    answer: "boxes",
    kind,
    numbers: names,
    grid: [height, width],
    anchors: anchors.map(([w, h]) => [w * input[1], h * input[0]]),
    ...(reach === undefined ? {} : { reach }),
    input,
    classes,
    scoreThreshold,
    nmsIou,
  };
}

/** What of a file's outputs gives boxes, and how. */
export interface FileDecoding {
  /** The outputs, in the file's order. */
  readonly names: readonly string[];
  readonly grids: Grids;
  readonly options: DecodeOptions;
  readonly classes: readonly string[];
  /** Height and width of the picture that goes in. */
  readonly input: readonly [height: number, width: number];
}

/**
 * Reads how the outputs of a file give boxes.
 *
 * @param outputs What the file's metadata "outputs" holds, as JSON is parsed.
 * @returns undefined where no output gives boxes.
 * @throws {RangeError} If what it says of boxes is damaged, or of several outputs does not fit together.
 */
export function readFileDecoding(outputs: unknown): FileDecoding | undefined {
  const named = Object.entries(Object(outputs)).filter(([, value]) => Object(value).answer === "boxes");
  if (named.length === 0) return undefined;
  const decodings = named.map(([name, value]) => readDecoding(value, `Cannot read boxes of "${name}"`));
  const [{ kind, classes, input, scoreThreshold, nmsIou }] = decodings;
  const other = decodings.findIndex((one) => one.kind !== kind || one.classes.join("\0") !== classes.join("\0"));
  if (other >= 0) {
    throw new RangeError(
      `Cannot read boxes of "${named[other][0]}": its kind or its classes are not those of "${named[0][0]}", ` +
        `needed are the same`,
    );
  }
  return {
    names: named.map(([name]) => name),
    grids: {
      kind,
      classes: classes.length,
      grids: decodings.map(({ grid: [height, width], anchors, reach }) => ({
        height,
        width,
        anchors: anchors.map(([w, h]) => [w / input[1], h / input[0]]),
        ...(reach === undefined ? {} : { reach }),
      })),
    },
    options: { scoreThreshold, nmsIou },
    classes,
    input,
  };
}

/** What a file is told that is to make boxes of its outputs itself. */
export interface AppendedBoxes {
  readonly kind: HeadKind;
  readonly classes: number;
  readonly input: readonly [height: number, width: number];
  readonly grids: readonly {
    readonly output: string;
    readonly rows: number;
    readonly columns: number;
    readonly anchors: readonly Size[];
    readonly reach?: number;
  }[];
  /** Which boxes the file tells; absent: all of them. */
  readonly suppress?: DecodeOptions;
  /** What such a file says of its outputs, by their names. */
  readonly decoding: Readonly<Record<string, object>>;
}

/**
 * Returns what makes boxes of the outputs of heads such as those of a task; undefined where none gives any.
 *
 * @param suppresses Whether the file leaves out what overlaps surer boxes itself, as far as the heads say.
 */
export function boxesToAppend(
  heads: Readonly<Record<string, Pick<Head, "decoding">>>,
  { suppresses = false }: { readonly suppresses?: boolean } = {},
): AppendedBoxes | undefined {
  const outputs = Object.fromEntries(Object.entries(heads).map(([name, { decoding }]) => [name, decoding]));
  const read = readFileDecoding(outputs);
  if (read === undefined) return undefined;
  const { names, grids: { kind, grids }, classes, input, options } = read;
  const [height, width] = input;
  return {
    kind,
    classes: classes.length,
    input,
    grids: grids.map((grid, i) => ({
      output: names[i],
      rows: grid.height,
      columns: grid.width,
      anchors: grid.anchors.map(([w, h]) => [w * width, h * height]),
      ...(grid.reach === undefined ? {} : { reach: grid.reach }),
    })),
    ...(suppresses ? { suppress: options } : {}),
    decoding: suppresses
      ? {
        detections: {
          answer: "detections",
          numbers: [...CORNERS, "score", "class"],
          unit: "pixels",
          input,
          classes,
          ...options,
        },
      }
      : {
        boxes: { answer: "corners", numbers: CORNERS, unit: "pixels", input },
        scores: { answer: "scores", classes, ...options },
      },
  };
}

const CORNERS = ["left", "top", "right", "bottom"];

/** More cells, anchors or classes than this are no detector's. */
const MOST = 65_536;

function readDecoding(value: unknown, cannot: string): BoxDecoding {
  const { kind, grid, anchors, reach, input, classes, scoreThreshold, nmsIou } = Object(value);
  const fields: readonly (readonly [name: string, value: unknown, isSound: boolean, needed: string])[] = [
    ["kind", kind, kind === "yolov3" || kind === "region", `is "yolov3" or "region"`],
    ["grid", grid, isPair(grid, isCount), "are rows and columns"],
    [
      "anchors",
      anchors,
      Array.isArray(anchors) && anchors.length > 0 && anchors.length <= MOST &&
      anchors.every((anchor) => isPair(anchor, isPositive)),
      "are pairs of widths and heights above 0",
    ],
    ["reach", reach, reach === undefined || isReach(reach), "is a number from 1 to 4"],
    ["input", input, isPair(input, isCount), "are height and width in pixels"],
    [
      "classes",
      classes,
      Array.isArray(classes) && classes.length > 0 && classes.length <= MOST &&
      classes.every((name) => typeof name === "string"),
      "are names",
    ],
    ["scoreThreshold", scoreThreshold, isShare(scoreThreshold), "is a number from 0 to 1"],
    ["nmsIou", nmsIou, isShare(nmsIou), "is a number from 0 to 1"],
  ];
  for (const [name, given, isSound, needed] of fields) {
    if (!isSound) throw new RangeError(`${cannot}: its ${name} is ${showValue(given)}, needed ${needed}`);
  }
  return {
    ...{ answer: "boxes", numbers: [], kind, grid, anchors, input, classes, scoreThreshold, nmsIou },
    ...(reach === undefined ? {} : { reach }),
  };
}

function isPair(value: unknown, isSound: (value: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isSound);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST;
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && value > 0 && Number.isFinite(value);
}

function isShare(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}

/** Where the picture lies that was laid into the one that goes into the model, in pixels of the latter. */
export interface Placed {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Its own sides. */
  readonly original: { readonly width: number; readonly height: number };
}

/**
 * Reads a file's answers to one picture as boxes in that picture.
 *
 * Units: the boxes are in pixels of the original, as far as they lie within it. What lies in the border is left out.
 *
 * @param answers Of all outputs, to one sample.
 * @param placed How the picture was laid into the one that went in.
 * @returns The surest first.
 */
export function boxesInPicture(
  answers: Answers,
  { names, grids, options, input: [height, width] }: FileDecoding,
  placed: Placed,
): readonly FoundBox[] {
  const [found] = decodeAnswers(answers, names, { grids, options });
  const { left, top, original } = placed;
  const x = (share: number) => within((share * width - left) * original.width / placed.width, original.width);
  const y = (share: number) => within((share * height - top) * original.height / placed.height, original.height);
  return found
    .map((box) => ({ ...box, left: x(box.left), top: y(box.top), right: x(box.right), bottom: y(box.bottom) }))
    .filter(hasArea);
}

function within(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}

function hasArea({ left, top, right, bottom }: Rectangle): boolean {
  return right > left && bottom > top;
}

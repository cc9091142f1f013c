/** Outputs that give boxes. */
import { toOriginal } from "../data/letterbox.ts";
import type { FoundBox } from "../tasks/detection/boxes.ts";
import { boxesInPicture, type FileDecoding, readFileDecoding } from "../tasks/detection/file_boxes.ts";
import { suppress } from "../tasks/detection/nms.ts";
import type { FoundThing } from "./answer.ts";
import type { FileOutput } from "./_file.ts";
import type { OpenOutputs, OutputReader, Place, Telling } from "./_reading.ts";

/** Reads boxes, of all outputs together: of grids of cells, or as the file itself has made them. */
export const readBoxes: OpenOutputs = (outputs, telling) => {
  const detections = outputs.find(({ decoding }) => decoding.value("answer") === "detections");
  if (detections !== undefined) return readDetections(detections, telling);
  const corners = outputs.find(({ decoding }) => decoding.value("answer") === "corners");
  const scores = outputs.find(({ decoding }) => decoding.value("answer") === "scores");
  return corners === undefined || scores === undefined
    ? readGrids(outputs, telling)
    : readMade({ corners, scores }, telling);
};

const readGrids: OpenOutputs = (outputs, { scoreThreshold, nmsIou }) => {
  const [{ decoding: { cannot } }] = outputs;
  const said = Object.fromEntries(outputs.map(({ name, decoding }) => [name, decoding.values]));
  const read = readFileDecoding(said);
  if (read === undefined) throw new RangeError(`${cannot}: it does not say how its outputs are read as boxes`);
  const { options } = read;
  const decoding = {
    ...read,
    options: { scoreThreshold: scoreThreshold ?? options.scoreThreshold, nmsIou: nmsIou ?? options.nmsIou },
  };
  const own = outputs.filter(({ name }) => read.names.includes(name));
  own.forEach(({ name, shape }, i) =>
    checkGrid(shape, { cannot, name, grid: read.grids.grids[i], classes: read.classes })
  );
  return [{
    outputs: read.names,
    read: (rows, { placement }) => {
      const answers = own.map(({ name, shape }, i) => [name, { values: rows[i], shape: [1, ...shape] }] as const);
      return {
        kind: "boxes",
        boxes: boxesInPicture(Object.fromEntries(answers), decoding, placement).map((box) =>
          thingOf(box, read.classes)
        ),
      };
    },
  }];
};

/** Numbers of an anchor before its classes. */
const BEFORE_CLASSES = 5;

function checkGrid(shape: readonly number[], { cannot, name, grid: { height, width, anchors }, classes }: {
  readonly cannot: string;
  readonly name: string;
  readonly grid: FileDecoding["grids"]["grids"][number];
  readonly classes: readonly string[];
}): void {
  const needed = [height, width, anchors.length * (BEFORE_CLASSES + classes.length)];
  if (shape.join() === needed.join()) return;
  throw new RangeError(`${cannot}: its output "${name}" is [n,${shape}], its metadata says [n,${needed}]`);
}

interface MadeBoxes {
  /** [boxes, 4]: left, top, right and bottom, in pixels of the picture that goes in. */
  readonly corners: FileOutput;
  /** [classes, boxes]. */
  readonly scores: FileOutput;
}

/** Of boxes that the file has made, only those that overlap surer ones are still to be left out. */
function readMade({ corners, scores }: MadeBoxes, telling: Telling): readonly OutputReader[] {
  const { decoding, shape: [labels, count] } = scores;
  const classes = decoding.names("classes", labels);
  const least = telling.scoreThreshold ?? decoding.number("scoreThreshold", { least: 0, most: 1 });
  const iou = telling.nmsIou ?? decoding.number("nmsIou", { least: 0, most: 1 });
  if (corners.shape.join() !== [count, 4].join()) {
    throw new RangeError(
      `${decoding.cannot}: its output "${corners.name}" is [n,${corners.shape}], [n,${count},4] is needed`,
    );
  }
  return [{
    outputs: [corners.name, scores.name],
    read: ([boxes, sure], place) => {
      const found: FoundBox[] = [];
      sure.forEach((score, i) => {
        if (!(score > least)) return;
        const box = cornersAt(boxes, i % count, { place, numbers: 4 });
        if (box.right > box.left && box.bottom > box.top) found.push({ ...box, label: Math.floor(i / count), score });
      });
      const kept = suppress(found, { iou });
      return { kind: "boxes", boxes: kept.map((box) => thingOf(box, classes)) };
    },
  }];
}

/** Numbers of a detection: its corners, its score and its class. */
const OF_DETECTION = 6;

/** Of boxes that the file has chosen too, fewer may be told, and no others. */
function readDetections({ name, decoding, shape }: FileOutput, telling: Telling): readonly OutputReader[] {
  const classes = decoding.names("classes");
  const limits = { least: 0, most: 1 };
  const [least, iou] = [decoding.number("scoreThreshold", limits), decoding.number("nmsIou", limits)];
  const { scoreThreshold = least, nmsIou = iou } = telling;
  if (scoreThreshold < least || nmsIou > iou) {
    const [what, needed] = scoreThreshold < least
      ? [`are no surer than ${least}`, `a score threshold of ${least} or more`]
      : [`overlap surer ones by more than ${iou}`, `an overlap of ${iou} or less`];
    throw new RangeError(`${decoding.cannot}: it leaves out boxes that ${what} itself, ${needed} is needed`);
  }
  if (shape.length !== 2 || shape[1] !== OF_DETECTION) {
    throw new RangeError(
      `${decoding.cannot}: its output "${name}" is [n,${shape}], [n,boxes,${OF_DETECTION}] is needed`,
    );
  }
  return [{
    outputs: [name],
    read: ([rows], place) => {
      const found: FoundBox[] = [];
      for (let row = 0; row < shape[0]; row++) {
        const [score, label] = rows.subarray(OF_DETECTION * row + 4, OF_DETECTION * (row + 1));
        // What is behind the last one has a score of 0.
        if (!(score > scoreThreshold)) continue;
        const box = cornersAt(rows, row, { place, numbers: OF_DETECTION });
        if (box.right > box.left && box.bottom > box.top && label in classes) {
          found.push({ ...box, label, score });
        }
      }
      return { kind: "boxes", boxes: suppress(found, { iou: nmsIou }).map((box) => thingOf(box, classes)) };
    },
  }];
}

/** The corners of the box of row `i`, which has `numbers` numbers, in the picture, as far as it lies within. */
function cornersAt(
  boxes: Float32Array,
  i: number,
  { place: { placement, shape }, numbers }: { readonly place: Place; readonly numbers: number },
) {
  const { width, height } = placement.original;
  const within = (value: number, most: number) => Math.max(0, Math.min(most, value));
  const [[left, top], [right, bottom]] = [0, 2].map((k) => {
    const at = { x: boxes[numbers * i + k] / shape.width, y: boxes[numbers * i + k + 1] / shape.height };
    const { x, y } = toOriginal(at, { placement, shape });
    return [within(x, width), within(y, height)];
  });
  return { left, top, right, bottom };
}

function thingOf({ label, score, left, top, right, bottom }: FoundBox, classes: readonly string[]): FoundThing {
  const name = classes[label];
  return { name, probability: score, group: label, x: left, y: top, width: right - left, height: bottom - top };
}

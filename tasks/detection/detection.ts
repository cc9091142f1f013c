/** Detection: what is where in a picture, as boxes with classes. */
import type { Port } from "../../models/ports.ts";
import { describePort } from "../output_task.ts";
import type { TaskRow } from "../row.ts";
import type { TaskSettings } from "../settings.ts";
import type { BoundTask, Head, JudgedAll, Task } from "../task.ts";
import { encodeBoxes, ENCODED } from "./encode.ts";
import { decodingOf } from "./file_boxes.ts";
import { BEFORE_CLASSES } from "../../models/detection.ts";
import type { Grids, HeadKind } from "./grids.ts";
import { BoxReader } from "./judged_boxes.ts";
import { decodeAnswers } from "./decode.ts";
import { detectionLoss } from "./loss.ts";
import { bestThreshold, detectionMetrics } from "./metrics.ts";
import { countSame } from "./same_boxes.ts";
import { detectionSections } from "./sections.ts";

/** How boxes are learned and judged. */
export interface DetectionOptions
  extends Pick<TaskSettings, "boxLoss" | "ignoreThreshold" | "scoreThreshold" | "nmsIou" | "headKind" | "reach"> {
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Boxes of a sample at the most. */
  readonly most: number;
  /** Widths and heights in pixels of the picture that goes in, a list an output. Nothing can be bound without. */
  readonly anchors?: TaskSettings["anchors"];
  /** Sides of that picture. Nothing can be bound without. */
  readonly inputSize?: TaskSettings["inputSize"];
  /** Factor of the loss. Default 1. */
  readonly weight?: number;
}

/** Of a head that no setting says otherwise of: the paper's and, of a region head, darknet's. */
const IGNORE: Readonly<Record<HeadKind, number>> = { yolov3: 0.5, region: 0.6 };

/** Darknet's own. */
const NMS_IOU = 0.45;

/** Until one is chosen by validation samples. */
const SCORE_THRESHOLD = 0.5;

/** Boxes of two models are the same from here on. */
const SAME_IOU = 0.99;

/**
 * Makes the task of finding boxes: all outputs of a model learn from the same ones, each the boxes that fit its anchors.
 *
 * Targets: [n, most, 6], see `Boxes` in data/samples.ts. Outputs: [n, rows, columns, anchors · (5 + classes)], linear, see
 * `grids.ts`. Loss: `detectionLoss`. Boxes are read by `decodeAnswers`. Precision, recall and F1 are those above
 * `scoreThreshold`; where that is not given, 0.5 until validation samples have settled it.
 *
 * @throws {TypeError} When bound, if there is not a list of anchors for each output, or an output has another shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { detection } from "./detection.ts";
 *
 * const task = detection({ classes: ["cat", "dog"], most: 8, anchors: [[[64, 64], [32, 48]]], inputSize: [128, 128] });
 * const { heads, metrics } = task.bind([{ name: "boxes_32", shape: [4, 4, 14] }], "pets");
 * assert.deepEqual(heads.boxes_32.target, { kind: "boxes", most: 8, classes: 2 });
 * assert.equal(metrics[0].name, "mAP@0.5");
 * ```
 */
export function detection(options: DetectionOptions): Task {
  return {
    name: "detection",
    bind(ports, model) {
      const doing = `train "${model}" by detection`;
      const { anchors, inputSize } = options;
      if (anchors === undefined || inputSize === undefined) {
        const missing = anchors === undefined
          ? "which anchors its outputs have is not known, a file of them is needed (--anchors)"
          : "its input has no known sides, images are needed";
        throw new TypeError(`Cannot ${doing}: ${missing}`);
      }
      const known = { ...options, anchors, inputSize };
      return bound(ports, { ...known, grids: gridsOf(ports, known, doing) });
    },
  };
}

function gridsOf(
  ports: readonly Port[],
  { anchors, inputSize: [height, width], classes, headKind: kind = "yolov3", reach }: KnownOptions,
  doing: string,
): Grids {
  if (ports.length !== anchors.length) {
    const given = ports.map((port) => `"${port.name}" ${describePort(port)}`).join(" and ");
    throw new TypeError(
      `Cannot ${doing}: its outputs are ${given || "none"}, there are anchors for ${anchors.length}, ` +
        `needed are as many outputs`,
    );
  }
  const grids = ports.map((port, i) => {
    const numbers = anchors[i].length * (BEFORE_CLASSES + classes.length);
    const [rows, columns, depth] = port.shape;
    if (port.shape.length === 3 && typeof rows === "number" && typeof columns === "number" && depth === numbers) {
      const shares = anchors[i].map(([w, h]) => [w / width, h / height] as const);
      return { height: rows, width: columns, anchors: shares, ...(reach === undefined ? {} : { reach: reach[i] }) };
    }
    throw new TypeError(
      `Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, for ${anchors[i].length} anchors and ` +
        `${classes.length} classes [?,rows,columns,${numbers}] is needed`,
    );
  });
  return { kind, classes: classes.length, grids };
}

type KnownOptions = DetectionOptions & Required<Pick<TaskSettings, "anchors" | "inputSize">>;

type BoundOptions = KnownOptions & { readonly grids: Grids };

function bound(ports: readonly Port[], options: BoundOptions): BoundTask {
  const names = ports.map(({ name }) => name);
  const { nmsIou = NMS_IOU } = options;
  const reader = new BoxReader({ names, grids: options.grids, nmsIou });
  const heads = ports.map(({ name }, i) => [name, headOf(i, options)] as const);
  const withThreshold = (scoreThreshold: number): BoundTask => {
    const found = (answers: JudgedAll["answers"]) =>
      reader.found(answers).map((boxes) => boxes.filter(({ score }) => score > scoreThreshold));
    return {
      name: "detection",
      heads: Object.fromEntries(heads.map(([name, head]) => [name, head(scoreThreshold)])),
      metrics: detectionMetrics({ output: names[0], reader, scoreThreshold }),
      left: [],
      agreement: (a, b) => ({
        what: `boxes at IoU ${SAME_IOU}`,
        ...countSame(found(a), found(b), SAME_IOU),
      }),
      // As a program does it, which looks at no box below the threshold.
      decode: (answers) => decodeAnswers(answers, names, { grids: options.grids, options: { scoreThreshold, nmsIou } }),
      settle: (judged) => withThreshold(options.scoreThreshold ?? bestThreshold(reader.judged(judged))),
      sections: (judged, shown) =>
        detectionSections(judged, { output: names[0], reader, names: options.classes, scoreThreshold }, shown),
      fields: () => ({}),
    };
  };
  return withThreshold(options.scoreThreshold ?? SCORE_THRESHOLD);
}

/** Returns what an output learns, as it is with a threshold. */
function headOf(output: number, options: BoundOptions): (scoreThreshold: number) => Head {
  const { grids, classes, most, weight = 1, boxLoss = "mse", inputSize: input, nmsIou = NMS_IOU } = options;
  const { kind } = grids;
  const grid = grids.grids[output];
  const loss = detectionLoss(grid, {
    kind,
    classes: classes.length,
    boxLoss,
    ignoreThreshold: options.ignoreThreshold ?? IGNORE[kind],
  });
  return (scoreThreshold) => ({
    task: "detection",
    target: { kind: "boxes", most, classes: classes.length },
    encode: { shape: [most, ENCODED], of: (targets) => encodeBoxes(targets, { grids, output, most }) },
    loss,
    weight,
    reads: { kind: "answer" },
    decoding: { ...decodingOf(grid, { kind, input, classes, scoreThreshold, nmsIou }) },
    // All outputs tell the same classes apart: one list is enough.
    ...(output === 0 ? { names: classes } : {}),
  });
}

/** The row of `--task detection`. */
export const detectionRow: TaskRow<"boxes"> = {
  what: "boxes around things, and what they are",
  targets: "boxes",
  head: "boxes",
  settings: ["anchors", "inputSize", "boxLoss", "ignoreThreshold", "scoreThreshold", "nmsIou", "headKind", "reach"],
  // Large pictures, and few: an epoch needs steps, and a step memory.
  training: { batchSize: 8 },
  isShared: true,
  make: ({ names: classes, most }, settings) => detection({ ...settings, classes, most }),
};

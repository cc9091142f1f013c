/** Landmarks: points of a picture, the same ones in each, such as those of a face. */
import * as tf from "@tensorflow/tfjs-core";
import type { Answer } from "../../models/answers.ts";
import { pure } from "../loss.ts";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import { columnMeans } from "../regression/errors.ts";
import type { TaskRow } from "../row.ts";
import type { Running, Task, TaskAgreement } from "../task.ts";
import {
  BOX_SCALE,
  errorCurveArea,
  type ErrorScale,
  failureRate,
  normalizedMeanError,
  type PointLayout,
} from "./errors.ts";
import { pixelsBetween, type PointLoss, pointLoss, type WingOptions } from "./losses.ts";
import { landmarkSections } from "./sections.ts";

/** How points are learned and judged. */
export interface LandmarkOptions extends OutputOptions {
  /** Names of the points; the output must have two numbers for each. */
  readonly points: readonly string[];
  /** Height and width in pixels of the picture that goes in, for losses and for pictures that are no squares. Default: 1 and 1. */
  readonly size?: readonly [height: number, width: number];
  /**
   * Lengths that errors are measured in, by name: between the centres of two groups of points. The first is that of the
   * task's own metric. Default: the size of the points' box.
   */
  readonly scales?: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  /** What the box of the points was grown by at each side before pictures were cropped to it, for whoever reads the file. */
  readonly margin?: number;
  /** How errors count. Default "wing". */
  readonly loss?: PointLoss;
  /** Where the wing loss bends. */
  readonly wing?: WingOptions;
}

/**
 * Makes the task of finding points.
 *
 * Targets: x and y of each point as shares of the picture's sides, Float32Array [n, points, 2]; the output has as many numbers
 * in that order. Metrics: NME in each of the scales; failure rate at 8 % and AUC up to 8 % in the first.
 *
 * @throws {RangeError} If a scale names a point that there is not, or a loss is none.
 * @throws {TypeError} When bound, if the output has another number of numbers.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { landmarks } from "./landmarks.ts";
 *
 * const task = landmarks({ points: ["left eye", "right eye", "nose"], scales: { eyes: [[0], [1]] } });
 * const { metrics } = task.bind([{ name: "points", shape: [6] }], "faces");
 * assert.deepEqual(metrics.map(({ name, better }) => `${name} ${better}`), [
 *   "NME (eyes) lower",
 *   "failures (eyes) lower",
 *   "AUC (eyes) higher",
 * ]);
 * ```
 */
export function landmarks(
  { points, size = [1, 1], scales = {}, loss = "wing", wing, margin, ...options }: LandmarkOptions,
): Task {
  const layout: PointLayout = { count: points.length, size };
  const [scale, ...others] = scalesOf(scales, layout.count);
  const trained = pointLoss(loss, { size, ...wing });
  return outputTask("landmarks", options, (port, doing) => {
    const width = port.shape.reduce<number | null>((all, dim) => all === null || dim === null ? null : all * dim, 1);
    if (width !== 2 * layout.count) {
      throw new TypeError(
        `Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, for ${layout.count} points ` +
          `${2 * layout.count} numbers are needed`,
      );
    }
    return {
      head: {
        target: { kind: "points", count: layout.count },
        loss: trained,
        reads: { kind: "answer" },
        running: runningError(layout, scale),
        decoding: {
          answer: "x and y of each point in turn, as shares of the width and height of the picture that went in",
          points,
          ...(Object.keys(scales).length === 0 ? {} : { scales }),
          ...(margin === undefined ? {} : { crop: { to: "the box of the points", margin } }),
        },
        names: points.flatMap((name) => [`${name} x`, `${name} y`]),
      },
      metrics: [
        normalizedMeanError(layout, scale),
        ...others.map((other) => normalizedMeanError(layout, other)),
        failureRate(layout, scale),
        errorCurveArea(layout, scale),
      ],
      sections: (judged, shown) => {
        const float = shown?.others.float?.[port.name];
        const given = { ...(shown && { picture: shown.picture }), ...(float && { float }) };
        return landmarkSections(judged, { points, layout, scale, ...given });
      },
      agreement: (a, b) => countNear(a, b, layout),
    };
  });
}

/** The row of `--task landmarks`. */
export const landmarksRow: TaskRow<"points"> = {
  what: "points of a picture",
  targets: "points",
  head: "linear",
  settings: ["inputSize", "pointLoss"],
  // From the mean shape on, training at the rates of classes stays there.
  training: { batchSize: 32, floatLr: 5e-4, lr: 1e-4, warmupEpochs: 1 },
  make: ({ names: points, size, scales, margin }, { pointLoss, inputSize, ...options }) =>
    landmarks({
      points,
      ...options,
      ...(inputSize ?? size) === undefined ? {} : { size: inputSize ?? size },
      ...(scales === undefined ? {} : { scales }),
      ...(margin === undefined ? {} : { margin }),
      ...(pointLoss === undefined ? {} : { loss: pointLoss }),
    }),
  // From the mean shape on, only what the picture tells is left to learn.
  bias: ({ values, names }) => columnMeans(values, 2 * names.length),
};

function scalesOf(
  scales: NonNullable<LandmarkOptions["scales"]>,
  count: number,
): readonly [ErrorScale, ...ErrorScale[]] {
  const [first, ...others] = Object.entries(scales).map(([name, groups]): ErrorScale => {
    for (const group of groups) {
      const bad = group.find((point) => !(Number.isInteger(point) && point >= 0 && point < count));
      if (group.length > 0 && bad === undefined) continue;
      const what = bad === undefined ? "a group has no points" : `it names point ${bad}`;
      throw new RangeError(`Cannot measure errors by "${name}": ${what}, needed are points from 0 to ${count - 1}`);
    }
    return { name, groups };
  });
  return first === undefined ? [BOX_SCALE] : [first, ...others];
}

/** Sums the samples' normalized errors within the step. */
function runningError({ count, size }: PointLayout, { name, groups }: ErrorScale): Running {
  return {
    name: `NME (${name})`,
    unit: "fraction",
    better: "lower",
    sum: pure((targets, outputs) =>
      tf.tidy(() => {
        const off = lengthOf(pixelsBetween(targets, outputs, size), 1);
        const errors = tf.mean(tf.reshape(off, [-1, count]), 1);
        const scaled = tf.mul(
          tf.reshape(tf.cast(targets, "float32"), [-1, count, 2]),
          tf.tensor3d([[[size[1], size[0]]]]),
        );
        const distance = groups === undefined ? boxSizeOf(scaled) : lengthOf(between(scaled, groups), 1);
        return tf.sum<tf.Scalar>(tf.div(errors, tf.maximum(distance, TINY)));
      })
    ),
  };
}

/** No distance is shorter: what is counted while training stays a number. */
const TINY = 1e-12;

function lengthOf(x: tf.Tensor, axis: number): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x), axis));
}

/** Width times height of the points' box, its root: [n, points, 2] → [n]. */
function boxSizeOf(points: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.prod(tf.sub(tf.max(points, 1), tf.min(points, 1)), 1));
}

/** From the centre of one group of points to that of the other: [n, points, 2] → [n, 2]. */
function between(points: tf.Tensor, groups: NonNullable<ErrorScale["groups"]>): tf.Tensor {
  const shares = Array.from({ length: points.shape[1] ?? 0 }, (_, point) => {
    const [a, b] = groups.map((group) => group.filter((one) => one === point).length / group.length);
    return a - b;
  });
  return tf.sum(tf.mul(points, tf.tensor3d(shares, [1, shares.length, 1])), 1);
}

/** How near two answers are to each other that come to the same, as a share of the picture's longer side: 0.5 px of 100. */
const NEAR = 0.005;

function countNear(a: Answer, b: Answer, { size: [height, width] }: PointLayout): TaskAgreement {
  const of = a.values.length / 2;
  let same = 0;
  for (let point = 0; point < of; point++) {
    const [dx, dy] = [0, 1].map((axis) => a.values[2 * point + axis] - b.values[2 * point + axis]);
    same += Number(Math.hypot(dx * width, dy * height) <= NEAR * Math.max(width, height));
  }
  return { what: `points within ${100 * NEAR} % of the picture's side`, same, of };
}

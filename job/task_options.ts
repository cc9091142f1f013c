/** Options of single tasks, as one table: what each is, which setting of a task it makes, and its flag. */
import type { TaskSettings } from "../tasks/settings.ts";
import { BOX_LOSSES, POINT_LOSSES } from "../tasks/mod.ts";
import { flagOf } from "./_flags.ts";
import type { Kinds } from "./_option_kinds.ts";

/** How a task learns and decides; each option is for the tasks that have such a setting. */
export interface TaskOptions {
  /**
   * Height and width of the pictures that go in, of an architecture or of a model that leaves them open. Default: what
   * suits the data, of an open model 224.
   */
  readonly inputSize?: number;
  /**
   * Widths and heights that a detector's boxes start from: "auto", found among the boxes of the training samples,
   * "published", the architecture's own, or a JSON file of a list an output. Default: "auto"; of a model its own.
   */
  readonly anchors?: string;
  /** What is learned of a box's position and size: "mse", its numbers (default), or "ciou", complete IoU. */
  readonly boxLoss?: NonNullable<TaskSettings["boxLoss"]>;
  /** A box that overlaps a true one by more than this IoU is not told that there is nothing. Default 0.5, of a region head 0.6. */
  readonly ignoreThreshold?: number;
  /** Score above which a box counts as found. Default: where F1 is best on the validation samples, 0.5 without any. */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this IoU the likelier one is kept. Default 0.45. */
  readonly nmsIou?: number;
  /** How errors of points count: "wing" (default), "smooth-l1" or "l2". */
  readonly pointLoss?: NonNullable<TaskSettings["pointLoss"]>;
  /**
   * Whether there is one more file, model.boxes.onnx, that makes boxes and scores of its outputs itself, in float. Default
   * false.
   */
  readonly appendDecoding?: boolean;
  /** Whether that file, which is written then, leaves out what overlaps surer boxes itself, by NonMaxSuppression. */
  readonly appendNms?: boolean;
  /** Factor of 1 minus the Dice coefficient in the loss of pixels, beside the cross-entropy. Default 0. */
  readonly diceLoss?: number;
}

/** An option of tasks. */
export interface TaskOptionRow {
  /** The setting that it makes; absent: it is for all tasks. */
  readonly setting?: keyof TaskSettings;
  readonly kind: "number" | "text" | "flag";
  /** What may be chosen; absent: anything of its kind. */
  readonly of?: readonly string[];
  /** What stands for its value in help texts; absent: it has none. */
  readonly value?: string;
  /** For help texts, in a few words. */
  readonly what: string;
}

/** All options of tasks. */
export const TASK_OPTIONS = {
  inputSize: {
    kind: "number",
    value: "n",
    what: "height and width of the pictures that go in (default: what suits the data)",
  },
  anchors: {
    setting: "anchors",
    kind: "text",
    value: "how",
    what: "of a detector: auto, found among the training boxes (default), published, or a JSON file",
  },
  boxLoss: {
    setting: "boxLoss",
    kind: "text",
    of: BOX_LOSSES,
    value: "name",
    what: "how boxes are learned: mse, number by number (default), or ciou, complete IoU",
  },
  ignoreThreshold: {
    setting: "ignoreThreshold",
    kind: "number",
    value: "iou",
    what: "overlap with a true box from which nothing is learned of there being none (default: 0.5)",
  },
  scoreThreshold: {
    setting: "scoreThreshold",
    kind: "number",
    value: "score",
    what: "score above which a box counts as found (default: the best on the validation samples)",
  },
  nmsIou: {
    setting: "nmsIou",
    kind: "number",
    value: "iou",
    what: "overlap above which only the likelier of two boxes is kept (default: 0.45)",
  },
  pointLoss: {
    setting: "pointLoss",
    kind: "text",
    of: POINT_LOSSES,
    value: "name",
    what: "how errors of points count: wing (default), smooth-l1 or l2",
  },
  appendDecoding: {
    // Of boxes, which start from anchors.
    setting: "anchors",
    kind: "flag",
    what: "write model.boxes.onnx too, which makes boxes and scores of its outputs itself",
  },
  appendNms: {
    setting: "anchors",
    kind: "flag",
    what: "write model.boxes.onnx too, with NonMaxSuppression in it: it answers with the boxes that stay",
  },
  diceLoss: {
    setting: "diceLoss",
    kind: "number",
    value: "factor",
    what: "of 1 - Dice in the loss of pixels, beside the cross-entropy (default: 0)",
  },
} as const satisfies { readonly [Key in keyof Required<TaskOptions>]: TaskOptionRow };

/** What each is. */
export const TASK_KINDS: Kinds<TaskOptions> = {
  inputSize: "number",
  anchors: "text",
  boxLoss: "text",
  ignoreThreshold: "number",
  scoreThreshold: "number",
  nmsIou: "number",
  pointLoss: "text",
  appendDecoding: "flag",
  appendNms: "flag",
  diceLoss: "number",
};

/** The flag of an option of tasks, for command lines. */
export interface TaskFlag {
  /** As in "--nms-iou <iou>". */
  readonly flag: string;
  /** For help texts. */
  readonly what: string;
  readonly isNumber: boolean;
}

/** The flags of all options of tasks. */
export const TASK_FLAGS: readonly TaskFlag[] = Object.entries<TaskOptionRow>(TASK_OPTIONS)
  .map(([key, { kind, value, what }]) => ({
    flag: value === undefined ? flagOf(key) : `${flagOf(key)} <${value}>`,
    what,
    isNumber: kind === "number",
  }));

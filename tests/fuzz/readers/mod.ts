/** The readers under test, by name. */
import type { Prepare } from "../_case.ts";

/** A reader under test. */
export interface FuzzReader {
  /** What `--only` takes. */
  readonly name: string;
  /** How many cases it gets for one of a reader of weight 1. */
  readonly weight: number;
  /** Loads what makes its cases; the driver does without. */
  readonly load: () => Promise<{ readonly prepare: Prepare }>;
}

/** All readers. Their places are part of what seeds mean: new ones come last. */
export const READERS: readonly FuzzReader[] = [
  { name: "models", weight: 10, load: () => import("./models.ts") },
  { name: "prepared", weight: 6, load: () => import("./prepared.ts") },
  { name: "idx", weight: 4, load: () => import("./idx.ts") },
  { name: "cifar", weight: 3, load: () => import("./cifar.ts") },
  { name: "pictures", weight: 4, load: () => import("./pictures.ts") },
  { name: "csv", weight: 4, load: () => import("./csv.ts") },
  { name: "recipes", weight: 5, load: () => import("./recipes.ts") },
  { name: "options", weight: 8, load: () => import("./options.ts") },
  { name: "commands", weight: 6, load: () => import("./commands.ts") },
  { name: "texts", weight: 6, load: () => import("./texts.ts") },
  { name: "onnx", weight: 6, load: () => import("./onnx.ts") },
  { name: "reports", weight: 2, load: () => import("./reports.ts") },
  { name: "checkpoints", weight: 4, load: () => import("./checkpoints.ts") },
  { name: "runs", weight: 4, load: () => import("./runs.ts") },
  { name: "ptq-options", weight: 4, load: () => import("./ptq_options.ts") },
  { name: "ptq-commands", weight: 3, load: () => import("./ptq_commands.ts") },
  { name: "debug-options", weight: 2, load: () => import("./debug_options.ts") },
  { name: "choose-options", weight: 2, load: () => import("./choose_options.ts") },
  { name: "points", weight: 4, load: () => import("./points.ts") },
  { name: "darknet", weight: 4, load: () => import("./darknet.ts") },
  { name: "predict", weight: 4, load: () => import("./predict.ts") },
  { name: "predict-options", weight: 2, load: () => import("./predict_options.ts") },
  { name: "grids", weight: 3, load: () => import("./grids.ts") },
  { name: "masks", weight: 4, load: () => import("./masks.ts") },
  { name: "voc", weight: 4, load: () => import("./voc.ts") },
  { name: "yolo", weight: 4, load: () => import("./yolo.ts") },
  { name: "coco", weight: 4, load: () => import("./coco.ts") },
  { name: "onnx-models", weight: 3, load: () => import("./onnx_models.ts") },
  { name: "compared", weight: 3, load: () => import("./compared.ts") },
  { name: "boxes", weight: 3, load: () => import("./boxes.ts") },
  { name: "arrays", weight: 4, load: () => import("./arrays.ts") },
  { name: "graph-models", weight: 3, load: () => import("./graph_models.ts") },
  { name: "class-weights", weight: 2, load: () => import("./class_weights.ts") },
  { name: "picture-cache", weight: 2, load: () => import("./picture_cache.ts") },
  { name: "weights", weight: 3, load: () => import("./weights.ts") },
  { name: "quantized-onnx", weight: 3, load: () => import("./quantized_onnx.ts") },
  { name: "external-data", weight: 3, load: () => import("./external_data.ts") },
];

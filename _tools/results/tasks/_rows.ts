/** The rows of the tables of docs/tasks: what is run for each page, and in which order. */
import { SHARED } from "../_jobs.ts";

/** A row: a command, and what it goes on from. */
export interface TaskRow {
  /** Unique within the page, for `--only PAGE/ROW`. */
  readonly name: string;
  /** What it is, in Markdown. */
  readonly what: string;
  readonly command: "qat" | "ptq";
  /** The row whose float model is taken; absent: the flags name an architecture. */
  readonly from?: string;
  readonly flags: readonly string[];
  /** Flags instead of some of `flags`, to try the row in small. */
  readonly quick?: readonly string[];
  /** Whether it trains in float alone: all layers stay in float. */
  readonly isFloat?: true;
}

/** A page of docs/tasks, or a part of one. */
export interface TaskPage {
  /** Unique, for `--only`; also what its file in docs/tasks is called. */
  readonly name: string;
  /** What was learned, in Markdown. */
  readonly what: string;
  /** Flags of all rows. */
  readonly data: readonly string[];
  /** The same to try it in small; absent: `data` with `--limit 40`. */
  readonly quickData?: readonly string[];
  /** Metrics that have a column; absent: the first four. */
  readonly columns?: readonly string[];
  readonly rows: readonly TaskRow[];
}

/** Seeds of training, of which the mean is told. */
const SEEDS = [0, 1, 2];

/**
 * Float training is that of `qat` with all layers in float. One epoch of its second stage comes behind, at a rate that moves
 * nothing: at its own, which begins high again, it cost landmarks a point of NME.
 */
function float(name: string, what: string, flags: readonly string[], more: Partial<TaskRow> = {}): TaskRow {
  return {
    name,
    what,
    command: "qat",
    flags: [...flags, "--epochs", "1", "--lr", "1e-6", "--no-control"],
    quick: ["--float-epochs", "1", "--epochs", "1"],
    isFloat: true,
    ...more,
  };
}

/** Training with fake quantization from the float model of a row, beside a control, by several seeds. */
function trained(from: string, epochs: number, { seeds = SEEDS, flags = [] }: {
  readonly seeds?: readonly number[];
  readonly flags?: readonly string[];
} = {}): readonly TaskRow[] {
  return seeds.map((seed) => ({
    name: `${from}-qat-${seed}`,
    what: `quantization-aware training, seed ${seed}`,
    command: "qat",
    from,
    flags: ["--swap", "none", "--epochs", `${epochs}`, "--control", "--precise", "--seed", `${seed}`, ...flags],
    quick: ["--epochs", "1"],
  }));
}

/** Static quantization of the float model of a row. */
function still(from: string, name: string, what: string, ...flags: readonly string[]): TaskRow {
  return { name: `${from}-${name}`, what, command: "ptq", from, flags: ["--precise", ...flags], quick: [] };
}

/** What ranges are found by, as the article compares it: torch's default for x86, histograms, moving averages. */
function observers(from: string): readonly TaskRow[] {
  return [
    still(from, "static", "static, the default of `deno task ptq`"),
    still(from, "dummy", "static, calibrated on random numbers", "--calibrate", "dummy"),
    still(
      from,
      "torch",
      "static, moving average on codes 0 to 127",
      "--target",
      "fbgemm",
      "--observer",
      "moving-average",
    ),
    still(from, "histogram", "static, histogram on codes 0 to 127", "--target", "fbgemm", "--observer", "histogram"),
    still(from, "average", "static, moving average on codes 0 to 255", "--observer", "moving-average"),
  ];
}

/** The article's table: what each thing that its quantizer can do is worth by itself. */
function article(from: string): readonly TaskRow[] {
  const plain = ["--observer", "min-max", "--per-tensor", "--no-correct-bias"];
  const row = (name: string, what: string, ...flags: readonly string[]) => still(from, `table-${name}`, what, ...flags);
  const added = (name: string, what: string, ...flags: readonly string[]) =>
    row(name, `plain, ${what}`, ...plain, ...flags);
  return [
    row("plain", "plain: static, min-max, one scale a weight tensor", ...plain),
    row(
      "channel",
      "plain, one scale an output channel",
      ...plain.filter((flag) => flag !== "--per-tensor"),
      "--per-channel",
    ),
    added("reduced", "weights of 7 bits", "--reduce-range"),
    added("symmetric", "symmetric ranges", "--symmetric"),
    row("moving", "plain, moving average", ...plain.with(1, "moving-average")),
    ...["0.3", "0.5", "0.7"].map((alpha) =>
      added(
        `smooth-${alpha}`,
        `SmoothQuant of convolutions too, α ${alpha}`,
        "--smooth",
        "--smooth-convolutions",
        "--smooth-alpha",
        alpha,
      )
    ),
    added("dense", "dense layers in float", "--keep-float", "kind:Dense"),
    added("adds", "sums and ReLUs in float", "--keep-float", "kind:Add", "kind:relu"),
    added("last", "the last stage in float", "--keep-float", "stage:last"),
    added("ends", "the first and the last stage in float", "--keep-float", "stage:first", "stage:last"),
  ];
}

const BLOOD = ["--task", "detection", "--data", `voc:${SHARED}/data/bccd`, "--skip-bad-images"];

/** All pages. */
export const PAGES: readonly TaskPage[] = [
  {
    name: "detection",
    what: "`yolov3_tiny` at 320×320 on BCCD, blood cells of three classes, its official split",
    data: BLOOD,
    columns: ["mAP@0.5", "mAP@0.5:0.95", "F1"],
    rows: [
      float("float", "float, LeakyReLU", [
        "--arch",
        "yolov3_tiny",
        "--input-size",
        "320",
        "--batch-size",
        "8",
        "--swap",
        "none",
        "--float-epochs",
        "30",
      ], { quick: ["--input-size", "96", "--float-epochs", "1", "--adapt-epochs", "0"] }),
      float("adapted", "LeakyReLU swapped for ReLU, and adapted", [
        "--swap",
        "leaky_relu:relu",
        "--batch-size",
        "8",
        "--adapt-epochs",
        "10",
      ], { from: "float", quick: ["--adapt-epochs", "1"] }),
      float("gradual", "the same, the slope going to 0 over five epochs", [
        ...["--swap", "leaky_relu:relu", "--batch-size", "8", "--adapt-epochs", "10", "--swap-epochs", "5"],
      ], { from: "float", quick: ["--adapt-epochs", "1", "--swap-epochs", "1"] }),
      ...trained("adapted", 5, { flags: ["--batch-size", "8"] }),
      ...observers("adapted"),
      still("adapted", "heads", "static, the heads' convolutions in float", "--keep-float", "boxes_32", "boxes_16"),
      still("adapted", "packed", "static, several pixels read as one", "--pack-pixels"),
    ],
  },
  {
    name: "landmarks",
    what: "68 points of faces at 112×112, judged by 400 faces of other people",
    data: ["--task", "landmarks", "--data", `points:${SHARED}/data/faces68`],
    rows: [
      float("resnet18", "`resnet18`, float", ["--arch", "resnet18", "--float-epochs", "40"]),
      ...trained("resnet18", 6),
      ...observers("resnet18"),
      ...article("resnet18"),
      float("shufflenet", "`shufflenet_v2`, float", ["--arch", "shufflenet_v2", "--float-epochs", "40"]),
      ...trained("shufflenet", 6, { seeds: [0] }),
      ...observers("shufflenet"),
    ],
  },
  {
    name: "segmentation",
    what: "`unet` on generated discs, triangles and crosses",
    data: ["--task", "segmentation", "--data", "generated:masks"],
    rows: [
      float("unet", "`unet`, float", ["--arch", "unet", "--batch-size", "16", "--float-epochs", "12"]),
      ...trained("unet", 4, { flags: ["--batch-size", "16"] }),
      ...observers("unet"),
      float("transposed", "`unet_transposed`, float", [
        "--arch",
        "unet_transposed",
        "--batch-size",
        "16",
        "--float-epochs",
        "12",
      ]),
      still("transposed", "static", "`unet_transposed`, static"),
    ],
  },
  {
    name: "sequences",
    what: "`lstm` and `transformer` on generated brackets",
    data: ["--data", "generated:brackets"],
    quickData: ["--data", "generated:brackets", "--limit", "320"],
    rows: [
      float("lstm", "`lstm`, float", ["--arch", "lstm", "--float-epochs", "8"]),
      still("lstm", "static", "`lstm`, static"),
      { ...still("lstm", "dynamic", "`lstm`, dynamic"), flags: ["--precise", "--method", "dynamic"] },
      float("transformer", "`transformer`, float", ["--arch", "transformer", "--float-epochs", "12"]),
      ...trained("transformer", 4),
      still("transformer", "static", "`transformer`, static"),
    ],
  },
];

/** Whether a page needs the data beside the checkout. */
export function needsShared({ data }: TaskPage): boolean {
  return data.some((flag) => flag.includes(SHARED));
}

/** Returns the flags of a row, without the model that it goes on from: the whole ones, or some to try it. */
export function flagsOf(page: TaskPage, row: TaskRow, { isQuick }: { readonly isQuick: boolean }): readonly string[] {
  if (!isQuick) return [...page.data, ...row.flags];
  const data = page.quickData ?? [...page.data, "--limit", "40"];
  const samples = row.command === "ptq" && !row.flags.includes("--method") ? ["--samples", "16"] : [];
  return [...data, ...overridden(row.flags, row.quick ?? []), ...samples];
}

/** Puts flags with one value in the place of those of the same name. */
function overridden(flags: readonly string[], by: readonly string[]): readonly string[] {
  const names = by.filter((flag) => flag.startsWith("--"));
  const kept = flags.filter((flag, i) =>
    !names.includes(flag) && !(names.includes(flags[i - 1]) && !flag.startsWith("--"))
  );
  return [...kept, ...by];
}

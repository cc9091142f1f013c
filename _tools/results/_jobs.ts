/** The jobs that the README's figures come from. */

/** A job of the command line. */
export interface ResultJob {
  /** Unique, for `--only`. */
  readonly name: string;
  /** What it is, in Markdown. */
  readonly what: string;
  /** Flags of `deno task qat`, without --seed and --out. */
  readonly args: readonly string[];
  readonly seeds: readonly number[];
  /** Where it is shown: in the README, or only on the page of all results. */
  readonly shown: "readme" | "page";
  /** Whether its page, with the first seed, is the README's picture. */
  readonly isPicture?: true;
}

/** Test data stands beside the checkout; jobs that need it are left out where it does not. */
export const SHARED = "../shared";

/** Float and QAT epochs of the built-in job that take about the same minutes, the control not counted. */
const SPLITS = [[8, 8], [16, 2], [16, 8], [20, 1]] as const;

/** All jobs, in the order of the table. */
export const JOBS: readonly ResultJob[] = [
  {
    name: "built-in",
    what: "built-in: `cifar_cnn`, 2,000 generated images",
    args: ["--epochs", "8"],
    seeds: [0, 1],
    shown: "readme",
    isPicture: true,
  },
  {
    name: "precise",
    what: "the same, `--precise`",
    args: ["--epochs", "8", "--precise"],
    seeds: [0],
    shown: "readme",
  },
  {
    name: "portable",
    what: "the same, `--target x86-portable`",
    args: ["--epochs", "8", "--target", "x86-portable"],
    seeds: [0],
    shown: "page",
  },
  {
    name: "lenet",
    what: "a LeNet from the web, MNIST, `--control --precise`",
    args: [
      ...["--model", `${SHARED}/models/lenet_mnist/model.json`, "--data", `mnist:${SHARED}/data/mnist`],
      ...["--epochs", "4", "--freeze-observers-after", "2", "--freeze-bn-after", "2", "--control", "--precise"],
    ],
    seeds: [0],
    shown: "readme",
  },
  {
    name: "tiny-yolo",
    what: "`tiny_yolo`, LeakyReLU, 4,000 images of CIFAR-10, `--precise`",
    args: [
      ...["--arch", "tiny_yolo", "--data", `cifar10:${SHARED}/data/cifar10`, "--limit", "4000", "--precise"],
      ...["--float-epochs", "8", "--epochs", "6", "--freeze-bn-after", "3", "--freeze-observers-after", "3"],
    ],
    seeds: [0],
    shown: "page",
  },
  ...SPLITS.map(([float, qat]): ResultJob => ({
    name: `split-${float}-${qat}`,
    what: `built-in, ${float} float and ${qat} QAT epochs, \`--precise --no-control\``,
    args: ["--float-epochs", `${float}`, "--epochs", `${qat}`, "--precise", "--no-control"],
    seeds: [0, 1],
    shown: "page",
  })),
];

/** Whether `job` reads the test data beside the checkout. */
export function needsShared({ args }: ResultJob): boolean {
  return args.some((arg) => arg.includes(SHARED));
}

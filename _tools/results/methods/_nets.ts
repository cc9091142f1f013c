/** The nets of the table of methods: what they learn, and where their float models come from. */
import { SHARED } from "../_jobs.ts";

/** Where a float model comes from. */
export type FloatSource =
  /** A file. */
  | { readonly kind: "file"; readonly path: string }
  /** Trained by `deno task qat` with all layers in float; after that of net `from`, if one is named. */
  | {
    readonly kind: "trained";
    readonly from?: string;
    readonly flags: readonly string[];
    readonly quick: readonly string[];
  }
  /** That of another net, its channels multiplied by random powers of two which later layers take back. */
  | { readonly kind: "rescaled"; readonly from: string };

/** Which rows a net has, see `_rows.ts`. */
export type Ladder = "methods" | "per-tensor" | "four-bit";

/** A net of the table. */
export interface Net {
  /** Unique, for `--only`. */
  readonly name: string;
  /** What it is, in Markdown. */
  readonly what: string;
  /** What it learns. */
  readonly samples: "mnist" | "cifar10" | "brackets";
  readonly float: FloatSource;
  readonly ladders: readonly Ladder[];
  /** Epochs of quantization-aware training, and of the control. */
  readonly epochs: number;
  /** Their learning rate, where it is not the task's; and why, in Markdown. */
  readonly rate?: { readonly value: number; readonly because: string };
  /** Whether the aims for convolutional nets are its own. */
  readonly isCnn: boolean;
}

/** Epochs of float training, which end at a low rate; one more, by the rate of the second stage, comes behind. */
const trained = (arch: string, epochs: number, ...more: readonly string[]): FloatSource => ({
  kind: "trained",
  flags: ["--arch", arch, "--float-epochs", `${epochs - 1}`, "--epochs", "1", ...more],
  quick: ["--arch", arch, "--float-epochs", "1", "--epochs", "1"],
});

/** All nets, in the order of the table. */
export const NETS: readonly Net[] = [
  {
    name: "lenet",
    what: "a LeNet from the web, MNIST",
    samples: "mnist",
    float: { kind: "file", path: `${SHARED}/models/lenet_mnist/model.json` },
    ladders: ["methods", "four-bit"],
    epochs: 2,
    isCnn: true,
  },
  {
    name: "tiny_yolo",
    what: "`tiny_yolo`, LeakyReLU swapped for ReLU, CIFAR-10",
    samples: "cifar10",
    float: trained("tiny_yolo", 20, "--adapt-epochs", "6"),
    ladders: ["methods"],
    epochs: 4,
    isCnn: true,
  },
  {
    name: "resnet20",
    what: "`resnet20`, CIFAR-10",
    samples: "cifar10",
    float: trained("resnet20", 30),
    ladders: ["methods", "four-bit"],
    epochs: 4,
    rate: {
      value: 1e-4,
      because: "at 5e-4, the task's rate, it ended 0.35 points below its control in the mean of the same three seeds " +
        "(80.12 against 80.47 %, from another float model of these flags), whence the change",
    },
    isCnn: true,
  },
  {
    name: "mobilenet_v2",
    what: "`mobilenet_v2`, CIFAR-10",
    samples: "cifar10",
    float: trained("mobilenet_v2", 30),
    ladders: ["methods"],
    epochs: 4,
    isCnn: true,
  },
  {
    name: "mobilenet_v2_relu",
    what: "the same with ReLU for ReLU6, trained on",
    samples: "cifar10",
    float: {
      kind: "trained",
      from: "mobilenet_v2",
      flags: ["--swap", "relu6:relu", "--adapt-epochs", "3", "--epochs", "1"],
      quick: ["--swap", "relu6:relu", "--adapt-epochs", "1", "--epochs", "1"],
    },
    ladders: ["per-tensor"],
    epochs: 4,
    isCnn: false,
  },
  {
    name: "mobilenet_v2_rescaled",
    what: "that one, channels multiplied by random powers of two from 2⁻⁴ to 2⁴ which the next layer takes back",
    samples: "cifar10",
    float: { kind: "rescaled", from: "mobilenet_v2_relu" },
    ladders: ["per-tensor"],
    epochs: 4,
    isCnn: false,
  },
  {
    name: "lstm",
    what: "`lstm`, rows of MNIST",
    samples: "mnist",
    float: trained("lstm", 4, "--limit", "20000"),
    ladders: ["methods"],
    epochs: 2,
    isCnn: false,
  },
  {
    name: "transformer",
    what: "`transformer`, nested brackets",
    samples: "brackets",
    float: trained("transformer", 20),
    ladders: ["methods"],
    epochs: 4,
    isCnn: false,
  },
];

/**
 * Returns the net called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function netOf(name: string): Net {
  const net = NETS.find((net) => net.name === name);
  if (net === undefined) {
    throw new RangeError(`Cannot find the net "${name}": needed is one of ${NETS.map(({ name }) => name).join(", ")}`);
  }
  return net;
}

import type { Spec } from "./_specs.ts";

/** What activations of sections become. */
const ACTIVATED = ["LeakyReLU", "ReLU", "elu", "mish", "selu", "sigmoid", "swish", "tanh"];

/** What sections become: classes of layers, and names of activations, as ONNX's operators have them in `../onnx/layers.ts`. */
export const DARKNET_LAYERS: Readonly<Record<Spec["kind"], readonly string[]>> = {
  avgpool: ["GlobalAveragePooling2D"],
  boxes: [],
  connected: ["BatchNormalization", "Dense", ...ACTIVATED],
  convolutional: ["BatchNormalization", "Conv2D", "DepthwiseConv2D", "GroupConv2D", "ZeroPadding2D", ...ACTIVATED],
  cost: [],
  dropout: ["Dropout"],
  maxpool: ["MaxPooling2D"],
  route: ["ChannelSplit", "Concatenate"],
  shortcut: ["Add", "Conv2D", ...ACTIVATED],
  softmax: ["Softmax"],
  upsample: ["UpSampling2D"],
};

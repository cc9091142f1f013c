/** What a net is, and the parts that nets are built of. */
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../_support/small_models.ts";

/** Layers by TF.js. */
export const { layers } = tfl;

/** A layer. */
export type Layer = tfl.layers.Layer;

/** A value of a model that is being built. */
export type Symbolic = tfl.SymbolicTensor;

/** What is claimed of a net's int8 file, beyond what holds for all: that no layer is in float but those of `float`. */
export interface Claims {
  /** Operators on integers, by the layer that they must come from. */
  readonly int8?: Readonly<Record<string, string>>;
  /** Layers that stay in float, with what the reason says. */
  readonly float?: Readonly<Record<string, RegExp>>;
  /** What the exporter says that will not export the net. */
  readonly refused?: RegExp;
  /** What TF.js 4.22 says that cannot run the net, or even build it. */
  readonly broken?: RegExp;
  /** Why TF.js's cpu backend answers wrongly, for which its answers are not compared. */
  readonly wrongOnCpu?: string;
}

/** A small net around one layer in one configuration. */
export interface LayerNet extends Claims {
  /** The layer and its configuration. */
  readonly name: string;
  /** Makes the model; layers that claims speak of have names. */
  readonly build: () => tfl.LayersModel;
}

/** A net. */
export function net(name: string, build: LayerNet["build"], claims: Claims = {}): LayerNet {
  return { name, build, ...claims };
}

/** Claims that the layer "x" becomes the operator `op`, on integers. */
export function int8(op: string): Claims {
  return { int8: { x: op } };
}

/** Claims that the layer "x" stays in float. */
export function float(because: RegExp): Claims {
  return { float: { x: because } };
}

/** Claims that the layer "x" keeps the net from being exported. */
export function refused(because: RegExp): Claims {
  return { refused: because };
}

/** The image that most nets read: [height, width, channels]. */
export const IMAGE = [8, 8, 3] as const;

/** A 1×1 convolution to 4 channels, unless `args` say otherwise. */
export function conv(name: string, args: Partial<Parameters<typeof layers.conv2d>[0]> = {}): Layer {
  return layers.conv2d({ filters: 4, kernelSize: 1, name, ...args });
}

/** A dense layer of 5 units. */
export function dense(name: string): Layer {
  return layers.dense({ units: 5, name });
}

/** A convolution of 4 filters over 3 steps. */
export function conv1d(name: string, args: Partial<Parameters<typeof layers.conv1d>[0]> = {}): Layer {
  return layers.conv1d({ filters: 4, kernelSize: 3, name, ...args });
}

/** Batch normalization. */
export function batchNorm(name: string): Layer {
  return layers.batchNormalization({ name });
}

/** ReLU. */
export function relu(name: string): Layer {
  return layers.reLU({ name });
}

/** An image and what `wire` makes of it, with seeded weights. */
export function wired(wire: (image: Symbolic) => Symbolic | Symbolic[], shape: readonly number[] = IMAGE) {
  return (): tfl.LayersModel => {
    const image = tfl.input({ shape: [...shape], name: "image" });
    return seedWeights(tfl.model({ inputs: image, outputs: wire(image) }));
  };
}

/** Applies layers one after the other. */
export function chain(x: Symbolic, ...parts: readonly Layer[]): Symbolic {
  return parts.reduce((x, layer) => apply(layer, x), x);
}

/** image → the layers that `make` returns. */
export function row(shape: readonly number[], make: () => readonly Layer[]): LayerNet["build"] {
  return wired((image) => chain(image, ...make()), shape);
}

/** What stands around a layer. */
export interface Around {
  readonly shape?: readonly number[];
  /** The layer before, called "before". Default: a convolution. */
  readonly before?: () => Layer;
}

/** image → "before" → the layers that `make` returns → "after": a convolution, or dense where no picture is left. */
export function between(
  make: () => readonly Layer[],
  { shape = IMAGE, before = () => conv("before") }: Around = {},
): LayerNet["build"] {
  return wired((image) => {
    const x = chain(image, before(), ...make());
    return apply(x.rank === 4 ? conv("after") : dense("after"), x);
  }, shape);
}

/** Sequences of 8 steps, convolved before. */
export const SEQUENCE: Around = { shape: [8, 3], before: () => conv1d("before") };

/**
 * Resizing: which elements each new one is made of, along each axis by itself.
 *
 * What TF.js's layers and its own resizing do becomes those. All else is computed here as ONNX Runtime does it: the
 * nearest is an element picked, a line or a cubic between elements is a weighted sum of two or four.
 */
import { type Call, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import { asPicture, spaceOf } from "../_pictures.ts";
import type { Value } from "../_value.ts";
import { type Resized, resizedAxis, type Sampling, samplingOf } from "../_sampling.ts";

/** The rows. */
export const RESIZES: Readonly<Record<string, Row>> = { Resize: resize };

function resize(call: Call): Value {
  const x = call.value(0);
  const shape = call.outputShape();
  if (shape[0] !== x.shape[0]) refuse(`it resizes [${x.shape}] to [${shape}], the batch has to stay`);
  if (call.number("antialias", 0) === 1) refuse("it smooths what it shrinks (antialias)");
  const sampling = samplingOf(call);
  const resized = shape.map((to, axis) => resizedAxis(call, { axis, from: x.shape[axis], to }));
  const axes = [...shape.keys()].filter((axis) => resized[axis].scale !== 1);
  if (axes.length === 0) return x;
  const space = spaceOf(x);
  const isOfPicture = space.length > 0 && space.length <= 2 && axes.every((axis) => space.includes(axis));
  const whole = isOfPicture
    ? wholePicture(call, x, { sampling, resized: space.map((axis) => resized[axis]) })
    : undefined;
  if (whole !== undefined) return whole;
  return axes.reduce<Value>((value, axis) => alongAxis(call, value, { axis, resized: resized[axis], sampling }), x);
}

interface WholePicture {
  readonly sampling: Sampling;
  /** Along each axis of space. */
  readonly resized: readonly Resized[];
}

/** Resizes height and width together, if TF.js does it as ONNX does. */
function wholePicture(call: Call, x: Value, { sampling, resized }: WholePicture): Value | undefined {
  const { mode, coordinates, rounding } = sampling;
  const shape = call.outputShape();
  const isWhole = resized.every(({ scale }) => Number.isInteger(scale));
  const isFloor = rounding === "floor" || (rounding === "simple" && resized.every(({ scale }) => scale >= 1));
  // Each pixel becomes a block of its own colour.
  const isBlocks = isWhole && mode === "nearest" && (
    (coordinates === "asymmetric" && isFloor) ||
    (/half_pixel(_symmetric)?$/.test(coordinates) && rounding.startsWith("round"))
  );
  const isUp = isBlocks || (isWhole && mode === "linear" && coordinates === "asymmetric");
  const known = COORDINATES[coordinates];
  const isExact = resized.every(({ from, to, scale }) => Math.abs(from * scale - to) < 1e-5);
  const isKnown = known !== undefined && isExact && resized.length === 2 && (
    mode === "linear" ? !isShrunkToOne(sampling, resized) : coordinates === "asymmetric" && isFloor
  );
  if (!isUp && (!isKnown || mode === "cubic")) return undefined;
  const picture = asPicture(call, x, spaceOf(x));
  const give = (name: string) => ({ ...picture.give(name, shape), isNonNegative: x.isNonNegative === true });
  if (isUp) {
    const size = [...resized.map(({ scale }) => scale), 1].slice(0, 2);
    const config = { size, interpolation: isBlocks ? "nearest" : "bilinear", dataFormat: "channelsLast" };
    return give(call.builder.layer({ className: "UpSampling2D", config, inbound: [picture.name] }));
  }
  const by = mode === "nearest" ? "nearest" : "bilinear";
  const options = { by, size: resized.map(({ to }) => to), ...known };
  return give(operation(call, "resize", { inbound: [picture.name], options }));
}

/** PyTorch's half pixels begin at 0 where one is left. */
function isShrunkToOne({ coordinates }: Sampling, resized: readonly Resized[]): boolean {
  return coordinates === "pytorch_half_pixel" && resized.some(({ from, to }) => to === 1 && from !== 1);
}

/** Where pixels lie, in TF.js's words. */
const COORDINATES: Readonly<Record<string, { readonly alignCorners: boolean; readonly halfPixelCenters: boolean }>> = {
  asymmetric: { alignCorners: false, halfPixelCenters: false },
  align_corners: { alignCorners: true, halfPixelCenters: false },
  half_pixel: { alignCorners: false, halfPixelCenters: true },
  pytorch_half_pixel: { alignCorners: false, halfPixelCenters: true },
};

interface AlongAxis {
  readonly axis: number;
  readonly resized: Resized;
  readonly sampling: Sampling;
}

function alongAxis(call: Call, x: Value, { axis, resized, sampling }: AlongAxis): Value {
  const at = x.order.indexOf(axis) + 1;
  const { places, factors } = sampling.taps(resized);
  const isPicked = places[0].length === 1 && factors.every(([factor]) => factor === 1);
  const name = isPicked
    ? operation(call, "gather", { inbound: [x.read()], options: { axis: at, indices: places.map(([place]) => place) } })
    : operation(call, "blend", { inbound: [x.read()], options: { axis: at, places, factors } });
  return {
    shape: x.shape.with(axis, resized.to),
    order: x.order,
    read: () => name,
    isNonNegative: x.isNonNegative === true && factors.flat().every((factor) => factor >= 0),
  };
}

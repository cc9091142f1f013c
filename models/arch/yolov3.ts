/** YOLOv3: darknet-53 and three grids of boxes. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyAll, applyTo, type ArchOptions, Blocks } from "./_blocks.ts";
import { boxesOf, concatenate, type DarknetConv, darknetConv, EPSILON, upsample } from "./_darknet.ts";

const { layers } = tfl;

/** Stages of the body, each of which halves the picture: filters, and residual blocks. */
const STAGES = [
  { filters: 64, count: 1 },
  { filters: 128, count: 2 },
  { filters: 256, count: 8 },
  { filters: 512, count: 8 },
  { filters: 1024, count: 4 },
] as const;

/** Grids of boxes, the coarsest first: pixels a cell, and filters of its bottlenecks. */
const GRIDS = [
  { stride: 32, filters: 512 },
  { stride: 16, filters: 256 },
  { stride: 8, filters: 128 },
] as const;

/** Applies a convolution with all that belongs to it. */
type Convolve = (x: tfl.SymbolicTensor, conv: DarknetConv) => tfl.SymbolicTensor;

/**
 * Makes `yolov3`: darknet-53 (strided convolutions, 23 residual blocks), then five convolutions in turn of size 1 and 3 and
 * boxes at a 32nd of the picture's size; twice more at double the size, with what the body had there. Batch normalization and
 * LeakyReLU(0.1) after each convolution but those that give boxes.
 *
 * Source: Redmon & Farhadi, "YOLOv3: An Incremental Improvement" (2018), and yolov3.cfg of darknet.
 * Shapes: [n, h, w, c] → [n, h/32, w/32, anchors · (5 + classes)], [n, h/16, w/16, …] and [n, h/8, w/8, …]. 33 billion
 * multiply-adds at 416×416 with 80 classes, 62 million weights.
 */
export function yolov3({ inputShape, seed, outputs: classes, anchors = [] }: ArchOptions): tfl.LayersModel {
  const blocks = new Blocks(seed, { epsilon: EPSILON });
  const convolve: Convolve = (x, conv) => applyAll(x, darknetConv(blocks, conv));
  const image = tfl.input({ shape: [...inputShape], name: "image" });
  const routes = darknet53(image, convolve);
  const outputs: tfl.SymbolicTensor[] = [];
  let neck: tfl.SymbolicTensor | undefined;
  GRIDS.forEach(({ stride, filters }, i) => {
    const route = routes[routes.length - 1 - i];
    const x = neck === undefined ? route : goUp(neck, { to: `up_${stride}`, filters, route, convolve });
    neck = bottlenecks(x, { name: `neck_${stride}`, filters, convolve });
    const last = convolve(neck, { name: `head_${stride}`, filters: 2 * filters, kernelSize: 3 });
    outputs.push(boxesOf(last, { stride, anchors: anchors[i], classes, blocks }));
  });
  return tfl.model({ name: "yolov3", inputs: image, outputs });
}

/** Returns what each stage of the body gives. */
function darknet53(image: tfl.SymbolicTensor, convolve: Convolve): readonly tfl.SymbolicTensor[] {
  let x = convolve(image, { name: "conv1", filters: 32, kernelSize: 3 });
  return STAGES.map(({ filters, count }, s) => {
    const stage = `stage${s + 1}`;
    x = convolve(x, { name: `${stage}_conv`, filters, kernelSize: 3, strides: 2 });
    for (let b = 1; b <= count; b++) {
      const name = `${stage}_block${b}`;
      const narrow = convolve(x, { name: `${name}_conv1`, filters: filters / 2, kernelSize: 1 });
      const y = convolve(narrow, { name: `${name}_conv2`, filters, kernelSize: 3 });
      x = applyTo(layers.add({ name: `${name}_add` }), [x, y]);
    }
    return x;
  });
}

interface Up {
  /** Name of the grid's layers. */
  readonly to: string;
  readonly filters: number;
  /** What the body had at that size. */
  readonly route: tfl.SymbolicTensor;
  readonly convolve: Convolve;
}

function goUp(x: tfl.SymbolicTensor, { to, filters, route, convolve }: Up): tfl.SymbolicTensor {
  const upper = applyTo(upsample(to), convolve(x, { name: `${to}_conv`, filters, kernelSize: 1 }));
  return concatenate(`${to}_concat`, [upper, route]);
}

/** Five convolutions, the odd ones of size 1, the others of size 3 with twice the filters. */
function bottlenecks(
  x: tfl.SymbolicTensor,
  { name, filters, convolve }: { readonly name: string; readonly filters: number; readonly convolve: Convolve },
): tfl.SymbolicTensor {
  return [1, 2, 3, 4, 5].reduce((y, i) => {
    const size = i % 2 === 1 ? { filters, kernelSize: 1 } : { filters: 2 * filters, kernelSize: 3 };
    return convolve(y, { name: `${name}_conv${i}`, ...size });
  }, x);
}

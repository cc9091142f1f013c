/** The loss of a detector, written plainly in double precision: loops over boxes, cells and anchors. */
import type { DetectionLossOptions } from "./loss.ts";
import type { Grids } from "./grids.ts";

interface PlainOptions extends Omit<DetectionLossOptions, "kind" | "classes"> {
  readonly grids: Grids;
  /** Which output it is of. */
  readonly output: number;
  readonly most: number;
}

type Box = { x: number; y: number; w: number; h: number };

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
/** −(t·log σ(z) + (1 − t)·log(1 − σ(z))), by its textbook form: for logits that are not great. */
const bce = (z: number, t: number) => -(t * Math.log(sigmoid(z)) + (1 - t) * Math.log(1 - sigmoid(z)));

function iou(a: Box, b: Box): number {
  const along = (p: number, s: number, q: number, r: number) =>
    Math.max(0, Math.min(p + s / 2, q + r / 2) - Math.max(p - s / 2, q - r / 2));
  const common = along(a.x, a.w, b.x, b.w) * along(a.y, a.h, b.y, b.h);
  return common / (a.w * a.h + b.w * b.h - common);
}

/** Zheng et al., with α given, since no gradient flows through it. */
function ciou(a: Box, b: Box, alphaOf: (overlap: number, v: number) => number): number {
  const around = (p: number, s: number, q: number, r: number) =>
    Math.max(p + s / 2, q + r / 2) - Math.min(p - s / 2, q - r / 2);
  const c2 = around(a.x, a.w, b.x, b.w) ** 2 + around(a.y, a.h, b.y, b.h) ** 2;
  const d2 = (a.x - b.x) ** 2 + (a.y - b.y) ** 2;
  const v = 4 / Math.PI ** 2 * (Math.atan(b.w / b.h) - Math.atan(a.w / a.h)) ** 2;
  return iou(a, b) - d2 / c2 - alphaOf(iou(a, b), v) * v;
}

/** What no gradient flows through, as it was at the numbers of the outputs that the loss is differentiated at. */
export interface Frozen {
  readonly ignored: boolean[];
  readonly scores: number[];
  readonly alphas: number[];
}

/** Returns the loss; what is in `frozen` is taken from there, or put there where it is empty. */
export function plainLoss(
  boxes: ArrayLike<number>,
  outputs: ArrayLike<number>,
  { grids, output, most, boxLoss, ignoreThreshold }: PlainOptions,
  frozen: Frozen = { ignored: [], scores: [], alphas: [] },
): number {
  const { kind, classes } = grids;
  const { height, width, anchors, reach = 1 } = grids.grids[output];
  const place = (z: number) => (sigmoid(z) - 0.5) * reach + 0.5;
  const n = boxes.length / most / 6;
  const size = 5 + classes;
  const isNew = frozen.ignored.length === 0;
  let [loss, cells, matches] = [0, 0, 0];
  for (let sample = 0; sample < n; sample++) {
    const truth = Array.from({ length: most }, (_, i) => {
      const [x, y, w, h, label, difficult] = Array.from({ length: 6 }, (_, k) => boxes[(sample * most + i) * 6 + k]);
      return { x, y, w, h, label, difficult };
    }).filter(({ label }) => label >= 0);
    const owners = new Map<string, typeof truth[number]>();
    for (const box of truth) {
      let best = { iou: -1, output: 0, anchor: 0 };
      grids.grids.forEach((grid, output) =>
        grid.anchors.forEach(([w, h], anchor) => {
          const value = iou({ x: 0, y: 0, w, h }, { x: 0, y: 0, w: box.w, h: box.h });
          if (value > best.iou) best = { iou: value, output, anchor };
        })
      );
      if (best.output !== output || box.difficult === 1) continue;
      const [column, row] = [
        Math.min(width - 1, Math.floor(box.x * width)),
        Math.min(height - 1, Math.floor(box.y * height)),
      ];
      owners.set(`${row},${column},${best.anchor}`, box);
    }
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        anchors.forEach(([anchorW, anchorH], anchor) => {
          const at = (((sample * height + row) * width + column) * anchors.length + anchor) * size;
          const t = Array.from({ length: size }, (_, k) => outputs[at + k]);
          const found = {
            x: (column + place(t[0])) / width,
            y: (row + place(t[1])) / height,
            w: anchorW * Math.exp(t[2]),
            h: anchorH * Math.exp(t[3]),
          };
          const box = owners.get(`${row},${column},${anchor}`);
          if (isNew) frozen.ignored.push(truth.some((other) => iou(found, other) > ignoreThreshold));
          const isIgnored = frozen.ignored[cells++];
          if (box === undefined) {
            if (!isIgnored) loss += bce(t[4], 0);
            return;
          }
          if (isNew) frozen.scores.push(kind === "region" ? iou(found, box) : 1);
          loss += (kind === "region" ? 5 : 1) * bce(t[4], frozen.scores[matches]);
          const logits = t.slice(5);
          loss += kind === "region"
            ? -Math.log(Math.exp(logits[box.label]) / logits.reduce((sum, z) => sum + Math.exp(z), 0))
            : logits.reduce((sum, z, label) => sum + bce(z, label === box.label ? 1 : 0), 0);
          if (boxLoss === "ciou") {
            loss += 2 * (1 - ciou(found, box, (overlap, v) => {
              if (isNew) frozen.alphas.push(v === 0 ? 0 : v / (1 - overlap + v));
              return frozen.alphas[matches];
            }));
          } else {
            loss += (2 - box.w * box.h) * (
              bce(t[0], (box.x * width - column - 0.5) / reach + 0.5) +
              bce(t[1], (box.y * height - row - 0.5) / reach + 0.5) +
              ((t[2] - Math.log(box.w / anchorW)) ** 2 + (t[3] - Math.log(box.h / anchorH)) ** 2) / 2
            );
          }
          matches++;
        });
      }
    }
  }
  return loss / n;
}

/** Returns the gradient of `plainLoss` by the outputs, by differences in the middle. */
export function plainGradient(boxes: ArrayLike<number>, outputs: ArrayLike<number>, options: PlainOptions): number[] {
  const frozen: Frozen = { ignored: [], scores: [], alphas: [] };
  plainLoss(boxes, outputs, options, frozen);
  const step = 1e-5;
  return Array.from({ length: outputs.length }, (_, i) => {
    const moved = (by: number) => {
      const values = Float64Array.from(outputs);
      values[i] += by;
      return plainLoss(boxes, values, options, frozen);
    };
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

/** Nets of darknet. */
import { loadDarknet } from "../../../models/import/darknet/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { startTf } from "./_start.ts";

const CFG = `[net]
height=8
width=8
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=4
size=1
activation=linear
[shortcut]
from=-2
activation=leaky
[upsample]
stride=2
[route]
layers=-1,-1
[convolutional]
filters=14
size=1
activation=linear
[yolo]
mask=0,1
anchors=1,2, 3,4
classes=2
num=2
`;
/** Numbers that it asks for. */
const COUNT = 4 * 4 + 4 * 27 + 4 + 16 + 14 + 14 * 8;

/** A configuration or a file of weights that is damaged. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const weights = new Uint8Array(20 + 4 * COUNT);
  const view = new DataView(weights.buffer);
  view.setInt32(4, 2, true);
  for (let i = 0; i < COUNT; i++) view.setFloat32(20 + 4 * i, 0.1 + (i % 7) / 10, true);
  return async (random) => {
    const isText = random.chance(0.7);
    const cfg = isText ? mutateText(random, CFG) : CFG;
    const { bytes, what } = isText ? { bytes: weights, what: JSON.stringify(cfg) } : mutateBytes(random, weights);
    await Deno.writeTextFile(`${dir}/net.cfg`, cfg);
    await Deno.writeFile(`${dir}/net.weights`, bytes);
    const files = { cfg: `${dir}/net.cfg`, ...(random.chance(0.5) ? { weights: `${dir}/net.weights` } : {}) };
    const read = async () => {
      const model = await loadDarknet(files);
      for (const weight of model.getWeights()) {
        check(weight.dataSync().every(Number.isFinite), "a weight is not finite");
      }
      model.dispose();
    };
    return { what, read };
  };
};

/** Graph-models that are imported. */
import { openModel } from "../../../models/import/open_model.ts";
import { CONV, GraphWriter } from "../../../models/import/graph/_test_graph.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes, mutateText } from "../_mutate.ts";
import { startTf } from "./_start.ts";

/** A small graph whose model.json or weights are damaged. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const graph = new GraphWriter();
  const image = graph.input("image", [-1, 6, 4, 3]);
  const conv = graph.add("Conv2D", "conv/Conv2D", [image, graph.real("conv/kernel", [3, 3, 3, 2])], CONV);
  const relu = graph.add("Relu", "conv/Relu", [conv]);
  const flat = graph.add("Reshape", "flat", [relu, graph.whole("shape", -1, 12)]);
  graph.add("MatMul", "fc", [flat, graph.real("fc/kernel", [12, 3])], { T: { type: "DT_FLOAT" } });
  graph.save(dir);
  const [json, weights] = [await Deno.readTextFile(`${dir}/model.json`), await Deno.readFile(`${dir}/weights.bin`)];
  return async (random) => {
    const isText = random.chance(0.8);
    const text = isText ? mutateText(random, json) : json;
    const { bytes, what } = isText ? { bytes: weights, what: text.slice(0, 300) } : mutateBytes(random, weights);
    await Deno.writeTextFile(`${dir}/model.json`, text);
    await Deno.writeFile(`${dir}/weights.bin`, bytes);
    const read = async () => {
      const model = await openModel(dir);
      check(model.outputs.length > 0, "no outputs");
      model.dispose();
    };
    return { what, read };
  };
};

/** TF.js graph models from disk. */
import type * as tf from "@tensorflow/tfjs-core";
import { type GraphModel, loadGraphModel } from "@tensorflow/tfjs-converter";
import { join } from "node:path";

/** Loads the graph model of `folder` onto the current backend. */
export function readGraphModel(folder: string): Promise<GraphModel> {
  return loadGraphModel({ load: () => Promise.resolve(readArtifacts(folder)) });
}

function readArtifacts(folder: string): tf.io.ModelArtifacts {
  const json: tf.io.ModelJSON = JSON.parse(Deno.readTextFileSync(join(folder, "model.json")));
  const shards = json.weightsManifest.flatMap(({ paths }) =>
    paths.map((path) => Deno.readFileSync(join(folder, path)))
  );
  const { modelTopology, signature, userDefinedMetadata } = json;
  return {
    modelTopology,
    ...(signature === undefined ? {} : { signature }),
    ...(userDefinedMetadata === undefined ? {} : { userDefinedMetadata }),
    weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
    weightData: shards.map((bytes) => bytes.buffer),
  };
}

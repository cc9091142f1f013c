/** Outputs whose numbers have names: classes, labels, values. */
import { sizeOf } from "../src/onnx/mod.ts";
import type { Scored } from "./answer.ts";
import type { FileOutput } from "./_file.ts";
import { each, type OpenOutputs } from "./_reading.ts";

/** Classes that are told after the first. */
const NEXT = 4;

/** Reads the class of a picture. */
export const readClass: OpenOutputs = each((output) => {
  const names = namesOf(output, "classNames");
  // Others give logits.
  const isCertain = /Softmax$/.test(output.endsIn);
  return (row) => {
    const [first, ...next] = ranked(isCertain ? row : softmax(row), names).slice(0, 1 + NEXT);
    return { kind: "class", output: output.name, ...first, next };
  };
});

/** Reads the labels of a picture. */
export const readLabels: OpenOutputs = each((output, { scoreThreshold }) => {
  const names = namesOf(output, "labels");
  const threshold = scoreThreshold ?? output.decoding.number("threshold", { least: 0, most: 1 });
  return (row) => ({
    kind: "labels",
    output: output.name,
    labels: ranked(row, names).filter(({ probability }) => probability > threshold),
  });
});

/** Reads numbers. */
export const readNumbers: OpenOutputs = each((output) => {
  const names = namesOf(output, "columns");
  const unit = output.decoding.has("unit") ? output.decoding.text("unit") : "";
  return (row) => ({
    kind: "numbers",
    output: output.name,
    numbers: names.map((name, i) => ({ name, value: row[i], unit })),
  });
});

/** The names of an output's numbers; where the file has none, numbers from 0 on. */
function namesOf({ decoding, shape, name }: FileOutput, key: string): readonly string[] {
  if (shape.length !== 1) {
    throw new RangeError(
      `${decoding.cannot}: its output "${name}" is [n,${shape}], one answer a picture is needed, [n,numbers]`,
    );
  }
  const count = sizeOf(shape);
  return decoding.has(key) ? decoding.names(key, count) : Array.from({ length: count }, (_, i) => `${i}`);
}

/** Names by their probabilities, the largest first; of equal ones the first. */
function ranked(probabilities: Float32Array, names: readonly string[]): readonly Scored[] {
  return names.map((name, i) => ({ name, probability: probabilities[i] }))
    .sort((a, b) => b.probability - a.probability);
}

function softmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((z) => Math.exp(z - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Data sets as checks see them. */
import type { OpenedData } from "../../../data/open.ts";
import { NO_CLASS, type SampleSet, storedShape, targetWidth } from "../../../data/samples.ts";
import { check } from "../_case.ts";

/** Checks that both halves of opened data are whole. */
export function checkSamples({ train, test }: Pick<OpenedData, "train" | "test">): void {
  for (const set of [train, test]) checkSet(set);
}

function checkSet({ count, inputs, targets, groups }: SampleSet): void {
  check(groups === undefined || groups.length === count, `${groups?.length} groups`);
  check(Number.isInteger(count) && count > 0, `${count} samples`);
  for (const input of Object.values(inputs)) {
    if (input.kind === "pictures") {
      const { height, width, channels } = storedShape(input);
      const { bytes } = input;
      check(bytes.length === count * height * width * channels, `${bytes.length} bytes of pictures`);
    } else if (input.kind === "tokens") {
      check(input.values.length === count * input.length, `${input.values.length} tokens`);
      check(input.values.every((token) => token >= 0 && token < input.names.length), "a token is in no vocabulary");
    } else {
      const rows = input.kind === "series" ? input.length : 1;
      check(input.values.length === count * rows * input.names.length, `${input.values.length} values of rows`);
      check(input.values.every(Number.isFinite), "a value of a row is not finite");
    }
  }
  for (const target of Object.values(targets)) {
    if (target.kind === "classes") {
      check(target.labels.length === count * (target.positions ?? 1), `${target.labels.length} labels`);
      check(target.labels.every((label) => label >= 0 && label < target.names.length), "a label is no class");
    } else {
      check(target.values.length === count * targetWidth(target), `${target.values.length} values of targets`);
      check(target.values.every(Number.isFinite), "a target is not finite");
      const classes = target.kind === "masks" ? target.names.length : Infinity;
      check(target.values.every((value) => value < classes || value === NO_CLASS), "a pixel is of no class");
    }
  }
}

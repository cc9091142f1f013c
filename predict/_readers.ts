/** How the numbers of a file's outputs become answers, by task. To add a task: a reader, and a row in the table. */
import { type Answers, rowOf } from "../models/answers.ts";
import { lookUp, suggestName } from "../src/text/nearest.ts";
import type { PictureAnswer } from "./answer.ts";
import type { FileOutput } from "./_file.ts";
import { readBoxes } from "./_read_boxes.ts";
import { readClass, readLabels, readNumbers } from "./_read_names.ts";
import { readMask, readPoints } from "./_read_places.ts";
import type { OpenOutputs, Place, Telling } from "./_reading.ts";

const READERS: Readonly<Record<string, OpenOutputs>> = {
  classification: readClass,
  regression: readNumbers,
  "multi-label": readLabels,
  detection: readBoxes,
  landmarks: readPoints,
  segmentation: readMask,
};

/** Reads the answers to sample `i`. */
export type ReadSample = (answers: Answers, i: number, place: Place) => readonly PictureAnswer[];

/**
 * Finds out how the outputs of a file are read.
 *
 * @throws {RangeError} If a task is not known, or what the file says of it is damaged.
 */
export function readerOf(outputs: readonly FileOutput[], telling: Telling): ReadSample {
  const readers = [...Map.groupBy(outputs, ({ task }) => task)].flatMap(([task, own]) => {
    const open = lookUp(READERS, task) ?? own[0].decoding.refuse("task", suggestName(task, Object.keys(READERS)));
    return open(own, telling);
  });
  return (answers, i, place) =>
    readers.map(({ outputs, read }) => read(outputs.map((name) => rowOf(answers[name], i)), place));
}

/** What a file answers, in words. */
import { plainText } from "../src/text/plain.ts";
import type { FoundThing, NamedNumber, PictureAnswer, Scored } from "./answer.ts";

/** A line of words, and the class whose colour belongs to it. */
export interface Line {
  readonly text: string;
  readonly group?: number;
}

/** Lines that are told of an answer at the most. */
const MOST_LINES = 12;

/** Says what a model answers to a picture: a line, or one for each thing. Names in it are safe to print. */
export function describeAnswer(answer: PictureAnswer): readonly Line[] {
  switch (answer.kind) {
    case "class": {
      const next = answer.next.filter(({ probability }) => probability >= 0.005).map(scored);
      return [{ text: `${scored(answer)}${next.length === 0 ? "" : ` (${next.join(", ")})`}` }];
    }
    case "labels":
      return [{ text: answer.labels.length === 0 ? "no label" : answer.labels.map(scored).join(", ") }];
    case "numbers":
      return [{ text: answer.numbers.map(named).join(", ") }];
    case "boxes":
      return atMost(answer.boxes.length === 0 ? [{ text: "nothing found" }] : answer.boxes.map(found));
    case "points":
      return [{ text: `${answer.points.length} points` }];
    case "mask":
      return atMost(
        answer.classes.map(({ name, share, group }) => ({ text: `${plainText(name)} ${percent(share)}`, group })),
      );
  }
}

/** Writes a name and how sure the model is of it: "cat 97.1 %". */
export function scored({ name, probability }: Scored): string {
  return `${plainText(name)} ${percent(probability)}`;
}

function found(box: FoundThing): Line {
  const { x, y, width, height, group } = box;
  const [left, top, across, down] = [x, y, width, height].map(Math.round);
  return { text: `${scored(box)} at ${left}, ${top}, ${across} x ${down} pixels`, group };
}

function named({ name, value, unit }: NamedNumber): string {
  return `${plainText(name)} ${Number(value.toPrecision(4))} ${plainText(unit)}`.trimEnd();
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function atMost(lines: readonly Line[]): readonly Line[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES - 1), { text: `and ${lines.length - MOST_LINES + 1} more` }];
}

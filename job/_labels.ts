/** Files that name what an output's numbers stand for, one name a line: many programs that read answers want such a list. */
import type { BoundTask } from "../tasks/task.ts";

/** A file of names. */
export interface LabelsFile {
  /** Its name. */
  readonly name: string;
  readonly text: string;
  /** The output that it is for. */
  readonly output: string;
}

/** Writes the names that the outputs of `task` have: `labels.txt`, or `labels.OUTPUT.txt` each where several have some. */
export function labelsFiles({ heads }: Pick<BoundTask, "heads">): readonly LabelsFile[] {
  const named = Object.entries(heads).flatMap(([output, { names }]) => names === undefined ? [] : [{ output, names }]);
  return named.map(({ output, names }) => ({
    name: named.length === 1 ? "labels.txt" : `labels.${encodeURIComponent(output)}.txt`,
    text: names.map((name) => `${escapeLine(name)}\n`).join(""),
    output,
  }));
}

/**
 * Writes what would end or bend a line as `\\u` and four digits, as in JSON, and a backslash as two: each line is one name,
 * and each name can be told from its line.
 */
function escapeLine(name: string): string {
  return name.replaceAll("\\", "\\\\").replace(
    // deno-lint-ignore no-control-regex -- control characters are what is being escaped
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

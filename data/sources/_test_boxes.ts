/** Sets with boxes as tests of their readers see them. */
import assert from "node:assert/strict";
import { BOX_NUMBERS, type SampleSet } from "../samples.ts";
import type { BoxSplit } from "./_annotated.ts";
import { type Content, withFiles } from "./_test_pictures.ts";

/** Returns the boxes of each sample: its rows up to the first that stands for nothing. */
export function boxesOf({ count, targets: { boxes } }: SampleSet): readonly (readonly number[])[][] {
  assert.ok(boxes.kind === "boxes");
  return Array.from({ length: count }, (_, i) => {
    const rows = Array.from({ length: boxes.most }, (_, row) => {
      const at = (i * boxes.most + row) * BOX_NUMBERS;
      return [...boxes.values.subarray(at, at + BOX_NUMBERS)];
    });
    const used = rows.filter((row) => row[4] >= 0);
    assert.ok(rows.slice(used.length).every((row) => row.join() === "0,0,0,0,-1,0"), "unused rows come last");
    return used;
  });
}

/** Reads a folder of files; "DIR" stands for it in what comes of it. */
export async function readFiles(
  files: Readonly<Record<string, Content>>,
  read: (dir: string) => Promise<BoxSplit>,
): Promise<BoxSplit> {
  return await withFiles(files, async (dir) => {
    try {
      const { skipped, ...split } = await read(dir);
      return {
        ...split,
        skipped: skipped.map(({ file, because, ...rest }) => ({
          file: file.replace(dir, "DIR"),
          because: because.replaceAll(dir, "DIR"),
          ...rest,
        })),
      };
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replaceAll(dir, "DIR");
      throw error;
    }
  });
}

/** Checks that reading is refused as `what`, and that leaving it out leaves one thing out. */
export async function refusesOne(
  read: (skipBadImages: boolean) => Promise<BoxSplit>,
  { what, because }: { readonly what: "picture" | "box"; readonly because: RegExp },
): Promise<BoxSplit> {
  await assert.rejects(read(false), (error) => {
    assert.ok(error instanceof RangeError, String(error));
    assert.match(error.message, new RegExp(`^Cannot read 1 ${what} of "DIR`));
    assert.match(error.message, because);
    assert.match(error.message, /, or --skip-bad-images$/);
    return true;
  });
  const split = await read(true);
  assert.equal(split.skipped.length, 1);
  return split;
}

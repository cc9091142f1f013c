/** Sections as a report holds them: their pictures few, small, and all of them text. */
import type sharp from "sharp";
import { writeRuns } from "./mask_runs.ts";
import type {
  Mark,
  MaskMark,
  PictureBytes,
  PicturePanel,
  PictureRow,
  PictureSource,
  PicturesSection,
  ReportSection,
  Section,
} from "../tasks/section.ts";

/** What a section of pictures keeps at the most: pictures, and marks of a panel. */
const MOST = { pictures: 12, marks: 100 } as const;

/** Longest side of what is kept of a picture and of a mask, in pixels. A screen shows three panels side by side. */
const SIDE = { picture: 320, mask: 160 } as const;

/** Of a JPEG. What the model saw is to be recognized, and boxes hide what is lost at edges. */
const QUALITY = 85;

/**
 * Makes what a task shows fit into a report: the first twelve pictures of a section, none larger than 320 pixels, as JPEG.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { reportSections } from "./report_sections.ts";
 *
 * const picture = { height: 2, width: 2, channels: 1, bytes: Uint8Array.of(0, 9, 0, 9) };
 * const rows = Array(14).fill({ caption: "a picture", picture, panels: [] });
 * const [section] = await reportSections([{ kind: "pictures", heading: "All", lead: "", rows }]);
 * assert.ok(section.kind === "pictures" && section.rows.length === 12 && section.left === 2);
 * assert.match(section.rows[0].picture.src, /^data:image\/jpeg;base64,/);
 * ```
 */
export async function reportSections(sections: readonly Section[]): Promise<readonly ReportSection[]> {
  if (!sections.some(({ kind }) => kind === "pictures")) {
    return sections.filter((section) => section.kind !== "pictures");
  }
  // Loaded when needed: the native library takes 50 ms.
  const { default: open } = await import("sharp");
  return Promise.all(sections.map((one) => one.kind === "pictures" ? reportPictures(one, open) : one));
}

async function reportPictures(
  { rows, ...section }: PicturesSection,
  open: typeof sharp,
): Promise<ReportSection> {
  const kept = rows.slice(0, MOST.pictures);
  const left = (section.left ?? 0) + rows.length - kept.length;
  return {
    ...section,
    rows: await Promise.all(kept.map((row) => reportRow(row, open))),
    ...(left === 0 ? {} : { left }),
  };
}

async function reportRow(
  { caption, picture, panels }: PictureRow,
  open: typeof sharp,
): Promise<PictureRow<PictureSource, string>> {
  return { caption, picture: await encode(picture, open), panels: panels.map(reportPanel) };
}

function reportPanel({ marks, ...panel }: PicturePanel): PicturePanel<string> {
  return { ...panel, marks: marks.slice(0, MOST.marks).flatMap(reportMark) };
}

/** JSON has no NaN, and a page no place for it: boxes that are nowhere are left out, points are null. */
function reportMark(mark: Mark): readonly Mark<string>[] {
  switch (mark.kind) {
    case "box": {
      const { x, y, width, height, ...rest } = mark;
      if (![x, y, width, height].every(Number.isFinite)) return [];
      return [{ ...rest, x: short(x), y: short(y), width: short(width), height: short(height) }];
    }
    case "points": {
      const points = mark.points.map((point) =>
        point?.every(Number.isFinite) ? [short(point[0]), short(point[1])] as const : null
      );
      return [{ kind: "points", points }];
    }
    case "mask":
      return [shrinkMask(mark)];
  }
}

/** A share of a side to a hundredth of a pixel. */
function short(share: number): number {
  return Number(share.toFixed(5));
}

/** Takes the pixels nearest to the centres of fewer. */
function shrinkMask({ height, width, pixels, ...mask }: MaskMark): MaskMark<string> {
  const factor = Math.min(1, SIDE.mask / Math.max(height, width));
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.round(factor * side)));
  const small = new Uint8Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const from = Math.floor((y + 0.5) * height / rows) * width;
    for (let x = 0; x < columns; x++) small[y * columns + x] = pixels[from + Math.floor((x + 0.5) * width / columns)];
  }
  return { ...mask, height: rows, width: columns, pixels: writeRuns(small) };
}

async function encode({ bytes, height, width, channels }: PictureBytes, open: typeof sharp): Promise<PictureSource> {
  // Pictures of the data have 1 or 3 channels, as JPEG has them.
  const raw = { height, width, channels: channels as 1 | 3 };
  const { data, info } = await open(bytes, { raw })
    .resize({ width: SIDE.picture, height: SIDE.picture, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, src: `data:image/jpeg;base64,${data.toString("base64")}` };
}

/** Pictures with marks, of the truth and of several models side by side. */
import type { MaskMark, PicturePanel, PictureRow, PictureSource, PicturesSection } from "../../tasks/section.ts";
import { escapeHtml, plural } from "../_format.ts";
import { readRuns } from "../mask_runs.ts";
import { describeMarks, truthOf } from "../_picture_words.ts";
import { type Box, drawBoxes, groupColor, MODEL_COLORS, SIDE } from "./_picture_boxes.ts";
import { key } from "./_markup.ts";

type Row = PictureRow<PictureSource, string>;
type Panel = PicturePanel<string>;

/** Renders all pictures of a section; `id` is a name that no other section has. */
export function renderPictures(data: PicturesSection<PictureSource, string>, id: string): string {
  const { rows, left = 0 } = data;
  const more = left === 0
    ? ""
    : `\n<p class="note">${plural(left, "picture")} more ${left === 1 ? "is" : "are"} left out.</p>`;
  return legendOf(data) + rows.map((row, i) => renderRow(row, `${id}-${i}`)).join("\n") + more;
}

/** Names the groups that the marks have. */
function legendOf({ rows, groups = [] }: PicturesSection<PictureSource, string>): string {
  const marks = rows.flatMap(({ panels }) => panels.flatMap(({ marks }) => marks));
  const used = new Set(
    marks.flatMap((mark) => mark.kind === "box" ? mark.group : mark.kind === "mask" ? groupsOf(mark) : []),
  );
  const entries = groups.flatMap((name, group) => used.has(group) ? { name, group } : []);
  if (entries.length === 0) return "";
  return key(entries.map(({ name, group }) => ({
    sample: `<rect x="5" y="0" width="12" height="12" style="fill:${groupColor(group)}"/>`,
    text: name,
  })));
}

function groupsOf({ pixels, clear }: MaskMark<string>): readonly number[] {
  return [...new Set(pixels.split(" ").map((run) => Number.parseInt(run)))].filter((group) => group !== clear);
}

function renderRow(row: Row, id: string): string {
  const panels = row.panels.map((panel, i) => renderPanel(panel, { row, id, isFirst: i === 0 }));
  return `<figure class="pictures"><figcaption>${escapeHtml(row.caption)}</figcaption>` +
    `<div class="panels" tabindex="0">${panels.join("")}</div></figure>`;
}

interface Place {
  readonly row: Row;
  readonly id: string;
  /** The others show the picture of the first once more: it stands in the page once. */
  readonly isFirst: boolean;
}

function renderPanel(panel: Panel, { row, id, isFirst }: Place): string {
  const { height, width } = row.picture;
  const scale = SIDE / Math.max(height, width);
  const frame = { width: scale * width, height: scale * height };
  const size = `width="${round(frame.width)}" height="${round(frame.height)}"`;
  const picture = isFirst ? renderImage(row.picture, { id, size }) : `<use href="#${id}"/>`;
  const label = `${row.caption}, ${panel.name}: ${describeMarks(panel, row)}`;
  const color = panel.model === undefined ? "" : ` style="color:${MODEL_COLORS[panel.model]}"`;
  return `<div><b${color}>${escapeHtml(panel.name)}</b>` +
    `<svg viewBox="0 0 ${round(frame.width)} ${round(frame.height)}" role="img" aria-label="${escapeHtml(label)}">` +
    `${picture}${renderMarks(panel, { row, ...frame })}</svg></div>`;
}

/** Nothing else is loaded by a page. */
const JPEG = /^data:image\/jpeg;base64,[A-Za-z0-9+/]+=*$/;

/** A picture of fewer pixels than this shows them as squares. */
const SMALL = 100;

function renderImage({ src, width, height }: PictureSource, { id, size }: { id: string; size: string }): string {
  if (!JPEG.test(src)) return `<rect id="${id}" ${size} style="fill:var(--wash)"/>`;
  const pixels = Math.max(width, height) < SMALL ? ` style="image-rendering:pixelated"` : "";
  return `<image id="${id}" ${size} preserveAspectRatio="none" href="${src}"${pixels}/>`;
}

/** A panel's picture, in units of which the longer side has `SIDE`. */
interface Frame {
  readonly row: Row;
  readonly width: number;
  readonly height: number;
}

function renderMarks(panel: Panel, frame: Frame): string {
  const boxes: Box[] = [];
  const others = panel.marks.map((mark) => {
    switch (mark.kind) {
      case "box":
        boxes.push({
          ...mark,
          x: mark.x * frame.width,
          y: mark.y * frame.height,
          width: mark.width * frame.width,
          height: mark.height * frame.height,
        });
        return "";
      case "mask":
        return renderMask(mark, frame);
      case "points":
        return renderPoints(mark.points, { panel, frame });
    }
  });
  return others.join("") + drawBoxes(boxes, frame);
}

/** Draws a path of rectangles for each group, a rectangle a run of pixels. */
function renderMask(mask: MaskMark<string>, frame: Frame): string {
  const { height, width, clear } = mask;
  const pixels = readRuns(mask.pixels, height * width);
  if (pixels === undefined) return "";
  const paths = new Map<number, string[]>();
  for (let y = 0; y < height; y++) {
    for (let x = 0, end = 0; x < width; x = end) {
      const group = pixels[y * width + x];
      while (end < width && pixels[y * width + end] === group) end++;
      if (group === clear || group === 255) continue;
      const path = paths.get(group) ?? [];
      paths.set(group, path);
      path.push(`M${x} ${y}h${end - x}v1h${x - end}z`);
    }
  }
  const drawn = [...paths].map(([group, path]) => `<path d="${path.join("")}" style="fill:${groupColor(group)}"/>`);
  const scale = `${round(frame.width / width)} ${round(frame.height / height)}`;
  return `<g transform="scale(${scale})" fill-opacity="0.5" shape-rendering="crispEdges">${drawn.join("")}</g>`;
}

type Points = readonly (readonly [number, number] | null)[];

/** Draws points, and a line from each to where it should be. */
function renderPoints(points: Points, { panel, frame }: { readonly panel: Panel; readonly frame: Frame }): string {
  const { row, width, height } = frame;
  const truth = panel.model === "truth" ? undefined : truthOf(row, "points");
  const color = panel.model === undefined ? MODEL_COLORS.truth : MODEL_COLORS[panel.model];
  const at = ([x, y]: readonly [number, number]) => [round(x * width), round(y * height)] as const;
  const lines = points.map((point, i) => {
    const right = truth?.points[i];
    return point === null || right === undefined || right === null
      ? ""
      : `M${at(point).join(" ")}L${at(right).join(" ")}`;
  }).join("");
  const dots = points.map((point) => {
    if (point === null) return "";
    const [x, y] = at(point);
    return `<circle cx="${x}" cy="${y}" r="2.4"/>`;
  });
  return (lines === "" ? "" : `<path class="off" d="${lines}"/>`) +
    `<g class="dot" style="fill:${color}">${dots.join("")}</g>`;
}

function round(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** Boxes in a picture, and their labels where there is room for them. */
import type { BoxMark } from "../../tasks/section.ts";
import { escapeHtml } from "../_format.ts";
import { shorten, widthOf } from "../_width.ts";
import { COLORS } from "./_chart.ts";

/** Units of the longer side of a picture; a panel is about as many px wide. */
export const SIDE = 320;

/** Whose marks they are. */
export const MODEL_COLORS = {
  truth: COLORS.ink,
  float: COLORS.float,
  simulated: COLORS.simulated,
  deployed: COLORS.int8,
} as const;

/** Of groups; further ones have these mixed with ink, which keeps the contrast, and then they come again. */
const GROUP_COLORS = [COLORS.int8, COLORS.float, COLORS.simulated, COLORS.poor, COLORS.muted] as const;
const SHADES = 3;

/** Returns the colour of a group, a whole number from 0. */
export function groupColor(group: number): string {
  const color = GROUP_COLORS[group % GROUP_COLORS.length];
  const shade = Math.floor(group / GROUP_COLORS.length) % SHADES;
  return shade === 0 ? color : `color-mix(in srgb,${color} ${100 - 30 * shade}%,${COLORS.ink})`;
}

/** A box in units of the picture. */
export type Box = BoxMark;

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Size of a label's text and height, and the width of a letter, in units; the font's letters are all of one width. */
const LABEL = { font: 10.5, height: 14, letter: 6.35, pad: 3, most: 20 } as const;

/** Draws all boxes, and labels that hide no other. */
export function drawBoxes(boxes: readonly Box[], frame: Pick<Area, "width" | "height">): string {
  if (boxes.length === 0) return "";
  const taken: Area[] = [];
  const labels = boxes.map((box) => {
    const text = shorten(box.label ?? "", { width: LABEL.most });
    const place = text === "" ? undefined : placeOf(box, { text, frame, taken });
    if (place === undefined) return "";
    taken.push(place);
    return `<g><rect ${areaOf(place)} style="fill:${groupColor(box.group)}"/>` +
      `<text x="${short(place.x + LABEL.pad)}" y="${short(place.y + LABEL.font)}">${escapeHtml(text)}</text></g>`;
  });
  const rects = boxes.map((box) =>
    `<g><title>${escapeHtml(box.label ?? "")}</title><rect class="halo" ${areaOf(box)}/>` +
    `<rect ${areaOf(box)} style="stroke:${groupColor(box.group)}"/></g>`
  );
  return `<g class="boxes">${rects.join("")}</g><g class="labels" font-size="${LABEL.font}">${labels.join("")}</g>`;
}

interface Placing {
  readonly text: string;
  readonly frame: Pick<Area, "width" | "height">;
  readonly taken: readonly Area[];
}

/** Finds the first place of a label that is within the picture and free: over the box, in its corners, under it. */
function placeOf(box: Area, { text, frame, taken }: Placing): Area | undefined {
  const size = { width: LABEL.letter * widthOf(text) + 2 * LABEL.pad, height: LABEL.height };
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  const corners = [
    [box.x - 1, box.y - size.height],
    [right + 1 - size.width, box.y - size.height],
    [box.x - 1, bottom],
    [right + 1 - size.width, bottom],
    [box.x, box.y],
    [box.x, bottom - size.height],
  ];
  const places = corners.map(([x, y]) => ({
    ...size,
    x: Math.max(0, Math.min(x, frame.width - size.width)),
    y: Math.max(0, Math.min(y, frame.height - size.height)),
  }));
  return places.find((place) => !taken.some((other) => overlap(place, other)));
}

function overlap(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function areaOf({ x, y, width, height }: Area): string {
  return `x="${short(x)}" y="${short(y)}" width="${short(Math.max(0, width))}" height="${short(Math.max(0, height))}"`;
}

function short(value: number): string {
  return String(Number(value.toFixed(2)));
}

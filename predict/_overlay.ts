/** What is laid over a picture, as SVG: marks where things are, and words in a band below. */
import { plainText } from "../src/text/plain.ts";
import type { FoundThing, NamedPoint, PictureAnswer } from "./answer.ts";
import { describeAnswer, type Line, scored } from "./words.ts";

/** Sides of what is drawn, in pixels: words need room, and nobody looks at larger ones. */
const LEAST_SIDE = 320;
const MOST_SIDE = 2048;

/** Lines below a picture at the most. */
const MOST_LINES = 6;

/** What is drawn into. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Pixels of it for one of the picture. */
  readonly scale: number;
  /** Height of a line of words. */
  readonly line: number;
}

/** What is laid over a picture, which is drawn as large as the canvas. */
export interface Overlay {
  readonly canvas: Canvas;
  /** Height of the band below. */
  readonly bottom: number;
  /** Of the canvas and the band. */
  readonly svg: string;
}

/** Draws what is marked in a picture of such a size, and what is said below it. */
export function overlayOf(
  answers: readonly PictureAnswer[],
  picture: { readonly width: number; readonly height: number },
): Overlay {
  const canvas = canvasFor(picture);
  const lines = answers.flatMap(wordsBelow).slice(0, MOST_LINES);
  const bottom = lines.length === 0 ? 0 : Math.round(canvas.line * (lines.length + 0.5));
  const marks = answers.flatMap((answer) => marksOf(answer, canvas));
  return { canvas, bottom, svg: svg(canvas, { bottom, marks, lines }) };
}

function canvasFor({ width, height }: { readonly width: number; readonly height: number }): Canvas {
  const longest = Math.max(width, height);
  const scale = Math.min(Math.max(1, LEAST_SIDE / longest), MOST_SIDE / longest);
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return { width: across, height: down, scale, line: Math.max(16, Math.round(Math.max(across, down) / 28)) };
}

/** What is said below the picture; things that are marked in it with their names are not said again. */
function wordsBelow(answer: PictureAnswer): readonly Line[] {
  return answer.kind === "boxes" && answer.boxes.length > 0 ? [] : describeAnswer(answer);
}

function svg({ width, height, line }: Canvas, { bottom, marks, lines }: {
  readonly bottom: number;
  readonly marks: readonly string[];
  readonly lines: readonly Line[];
}): string {
  const words = lines.map(({ text, group }, i) => {
    const y = height + line * (i + 0.95);
    const swatch = group === undefined
      ? ""
      : `<rect x="${line * 0.4}" y="${y - line * 0.55}" width="${line * 0.6}" height="${line * 0.6}" fill="${
        colourOf(group)
      }"/>`;
    const x = line * (group === undefined ? 0.4 : 1.3);
    return `${swatch}<text x="${x}" y="${y}" fill="#fff" font-size="${line * 0.72}">${
      xml(cut(text, (width - x) / (line * 0.4)))
    }</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${
    height + bottom
  }" font-family="sans-serif">` +
    `${marks.join("")}${words.join("")}</svg>`;
}

function marksOf(answer: PictureAnswer, canvas: Canvas): readonly string[] {
  if (answer.kind === "boxes") return answer.boxes.toReversed().map((box) => boxMark(box, canvas));
  if (answer.kind === "points") return answer.points.map((point) => pointMark(point, canvas));
  return [];
}

function boxMark(box: FoundThing, { scale, line, width: most }: Canvas): string {
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map((pixels) => pixels * scale);
  const colour = colourOf(box.group);
  const text = scored(box);
  const across = Math.min(most, text.length * line * 0.42 + line * 0.4);
  const left = Math.max(0, Math.min(x, most - across));
  const top = y >= line ? y - line : y;
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="${colour}" stroke-width="${
    strokeOf(line)
  }"/><rect x="${left}" y="${top}" width="${across}" height="${line}" fill="${colour}"/>` +
    `<text x="${left + line * 0.2}" y="${top + line * 0.75}" font-size="${line * 0.7}" fill="#000">${xml(text)}</text>`;
}

function pointMark({ x, y }: NamedPoint, { scale, line }: Canvas): string {
  return `<circle cx="${x * scale}" cy="${y * scale}" r="${line * 0.16}" fill="#39ff14" stroke="#000" stroke-width="${
    line * 0.04
  }"/>`;
}

function strokeOf(line: number): number {
  return Math.max(2, Math.round(line / 8));
}

/** Returns the colour of a class: each a golden angle of the colour wheel further than the one before. */
function colourOf(group: number): string {
  return `#${rgbOf(group).map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

const GOLDEN_ANGLE = 180 * (3 - Math.sqrt(5));

/**
 * Red, green and blue of that colour.
 *
 * Source: CSS Color Module Level 4, 7.1, HSL to RGB; saturation 0.9, lightness 0.6.
 */
export function rgbOf(group: number): readonly number[] {
  const [hue, saturation, lightness] = [(200 + group * GOLDEN_ANGLE) % 360, 0.9, 0.6];
  const width = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - width * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, Math.floor(most) - 1)).trimEnd()}…`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Text within an SVG; what no XML may hold is replaced. */
function xml(text: string): string {
  return plainText(text).toWellFormed().replace(/[\ufffe\uffff]/g, "?").replace(
    /[&<>]/g,
    (character) => ENTITIES[character],
  );
}

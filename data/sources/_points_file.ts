/**
 * `points.json` beside a table of points: what is known of them where their number alone does not say it.
 *
 *   {
 *     "names": ["left eye", "right eye", "nose"],
 *     "mirror": ["right eye", "left eye", "nose"],
 *     "scales": { "inter-pupil": [["left eye"], ["right eye"]] },
 *     "margin": 0.3
 *   }
 *
 * A point is named, or counted from 0. All of it may be left out.
 */
import { parseJson } from "../../src/text/json.ts";
import { suggestName } from "../../src/text/nearest.ts";
import { plainLine, showValue } from "../../src/text/plain.ts";
import type { PointLayout } from "./_point_layouts.ts";
import { isFile, messageOf, readBytes } from "./_files.ts";

/** Most bytes of the file. */
const MOST_BYTES = 2 ** 20;

/** What the file may say. */
const KEYS = ["names", "mirror", "scales", "margin"];

/** Most that a box of points grows by at each side, in its own sides. */
const MOST_MARGIN = 4;

/** What the file says. */
export interface PointsFile extends Partial<PointLayout> {
  /** What the box of a sample's points grows by at each side before the picture is cropped, as a share of its own side. */
  readonly margin?: number;
}

/**
 * Reads the file, if it is there.
 *
 * @param names What the points are called so far.
 * @throws {Error} If it cannot be read.
 * @throws {RangeError} If it is damaged, or not of these points.
 */
export async function readPointsFile(path: string, names: readonly string[]): Promise<PointsFile> {
  if (!await isFile(path)) return {};
  const bytes = await readBytes(path, MOST_BYTES);
  try {
    return parsePointsFile(parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), names);
  } catch (cause) {
    throw new RangeError(`Cannot read "${path}": ${messageOf(cause)}`, { cause });
  }
}

function parsePointsFile(value: unknown, given: readonly string[]): PointsFile {
  if (!isRecord(value)) throw new RangeError("it is no JSON object");
  for (const key of Object.keys(value)) {
    if (!KEYS.includes(key)) throw new RangeError(`it has ${showValue(key)}, ${suggestName(key, KEYS)}`);
  }
  const names = "names" in value ? parseNames(value.names, given.length) : given;
  const pointOf = (point: unknown) => parsePoint(point, names);
  return {
    ...("names" in value ? { names } : {}),
    ...("mirror" in value ? { mirror: parseMirror(value.mirror, { count: names.length, pointOf }) } : {}),
    ...("scales" in value ? { scales: parseScales(value.scales, pointOf) } : {}),
    ...("margin" in value ? { margin: parseMargin(value.margin) } : {}),
  };
}

function parseNames(value: unknown, count: number): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [];
  const texts = names.flatMap((name) => typeof name === "string" && name.trim() !== "" ? [plainLine(name, 60)] : []);
  if (texts.length === count && names.length === count && new Set(texts).size === count) return texts;
  throw new RangeError(`its "names" are no ${count} different names, one for each point is needed`);
}

function parsePoint(value: unknown, names: readonly string[]): number {
  const point = typeof value === "string" ? names.indexOf(value) : value;
  if (typeof point === "number" && Number.isInteger(point) && point >= 0 && point < names.length) return point;
  const needed = typeof value === "string"
    ? suggestName(value, names)
    : `needed is 0 to ${names.length - 1}, or a name`;
  throw new RangeError(`it names the point ${showValue(value)}, ${needed}`);
}

interface MirrorOptions {
  readonly count: number;
  readonly pointOf: (value: unknown) => number;
}

function parseMirror(value: unknown, { count, pointOf }: MirrorOptions): readonly number[] {
  const mirror = Array.isArray(value) ? value.map(pointOf) : [];
  if (mirror.length !== count) {
    throw new RangeError(`its "mirror" is no list of ${count} points, one for each is needed`);
  }
  const odd = mirror.findIndex((to, from) => mirror[to] !== from);
  if (odd < 0) return mirror;
  throw new RangeError(
    `its "mirror" makes point ${odd} point ${mirror[odd]} and that one point ${mirror[mirror[odd]]}, ` +
      `mirrored twice each must be itself`,
  );
}

function parseScales(value: unknown, pointOf: (value: unknown) => number): NonNullable<PointLayout["scales"]> {
  if (!isRecord(value)) throw new RangeError(`its "scales" are no object of two groups of points each`);
  return Object.fromEntries(
    Object.entries(value).map(([name, groups]) => {
      const [a, b, ...others] = Array.isArray(groups) ? groups.map((group) => parseGroup(group, pointOf)) : [];
      if (a !== undefined && b !== undefined && others.length === 0) return [plainLine(name, 60), [a, b] as const];
      throw new RangeError(`its scale ${showValue(name)} is not two lists of points`);
    }),
  );
}

function parseGroup(value: unknown, pointOf: (value: unknown) => number): readonly number[] {
  const points = Array.isArray(value) ? value.map(pointOf) : [];
  if (points.length === 0) throw new RangeError("a group of points is empty or no list");
  return points;
}

function parseMargin(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= MOST_MARGIN) return value;
  throw new RangeError(`its "margin" is ${showValue(value)}, needed is a number from 0 to ${MOST_MARGIN}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

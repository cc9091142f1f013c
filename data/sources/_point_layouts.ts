/**
 * Orders of facial landmarks that many data sets share, told by how many points there are: what each is called, what it
 * becomes in a mirrored picture, and which points are the eyes. "Left" is the picture's left.
 *
 * Sources: 68 points: Sagonas et al., "300 Faces in-the-wild challenge" (2016), figure 1, counted from 0 here; 98 points: Wu
 * et al., "Look at boundary: a boundary-aware face alignment algorithm" (2018), figure of WFLW's annotation; 5 points: Zhang
 * et al., "Joint face detection and alignment using multitask cascaded convolutional networks" (2016).
 */
import type { Points } from "../samples.ts";

/** What is known of points. */
export interface PointLayout extends Pick<Points, "mirror" | "scales"> {
  readonly names: readonly string[];
}

/** Points in a row that have one name, from the first to the last. */
type Named = readonly [name: string, from: number, to: number];

interface Order {
  readonly parts: readonly Named[];
  /** Runs of points, each of which is turned around in a mirrored picture. */
  readonly turned: readonly (readonly [from: number, to: number])[];
  /** Pairs that change places there; what is in none of both stays what it is. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly scales: Points["scales"];
}

/** iBUG's 68: outer corners of the eyes are 36 and 45. */
const IBUG_68: Order = {
  parts: [
    ["jaw", 0, 16],
    ["left brow", 17, 21],
    ["right brow", 22, 26],
    ["nose", 27, 35],
    ["left eye", 36, 41],
    ["right eye", 42, 47],
    ["outer lip", 48, 59],
    ["inner lip", 60, 67],
  ],
  turned: [[0, 16], [17, 26], [31, 35], [48, 54], [55, 59], [60, 64], [65, 67]],
  pairs: [[36, 45], [37, 44], [38, 43], [39, 42], [40, 47], [41, 46]],
  scales: { "inter-ocular": [[36], [45]], "inter-pupil": [range(36, 41), range(42, 47)] },
};

/** WFLW's 98: outer corners of the eyes are 60 and 72, pupils 96 and 97. */
const WFLW_98: Order = {
  parts: [
    ["contour", 0, 32],
    ["left brow", 33, 41],
    ["right brow", 42, 50],
    ["nose", 51, 59],
    ["left eye", 60, 67],
    ["right eye", 68, 75],
    ["outer lip", 76, 87],
    ["inner lip", 88, 95],
    ["left pupil", 96, 96],
    ["right pupil", 97, 97],
  ],
  turned: [[0, 32], [55, 59], [76, 82], [83, 87], [88, 92], [93, 95], [96, 97]],
  pairs: [
    ...[[33, 46], [34, 45], [35, 44], [36, 43], [37, 42], [38, 50], [39, 49], [40, 48], [41, 47]] as const,
    ...[[60, 72], [61, 71], [62, 70], [63, 69], [64, 68], [65, 75], [66, 74], [67, 73]] as const,
  ],
  scales: { "inter-ocular": [[60], [72]], "inter-pupil": [[96], [97]] },
};

/** Centres of the eyes, tip of the nose, corners of the mouth. */
const FIVE: Order = {
  parts: [
    ["left eye", 0, 0],
    ["right eye", 1, 1],
    ["nose", 2, 2],
    ["left mouth corner", 3, 3],
    ["right mouth corner", 4, 4],
  ],
  turned: [[0, 1], [3, 4]],
  pairs: [],
  scales: { "inter-pupil": [[0], [1]] },
};

const KNOWN: ReadonlyMap<number, PointLayout> = new Map(
  [FIVE, IBUG_68, WFLW_98].map((order) => {
    const layout = layoutOf(order);
    return [layout.names.length, layout];
  }),
);

/** How many points there are in the orders that are known. */
export const KNOWN_COUNTS: readonly number[] = [...KNOWN.keys()];

/** Returns the order of so many points, if one is known. */
export function knownLayout(count: number): PointLayout | undefined {
  return KNOWN.get(count);
}

function layoutOf({ parts, turned, pairs, scales = {} }: Order): PointLayout {
  const names = parts.flatMap(([name, from, to]) =>
    from === to ? [name] : range(from, to).map((point) => `${name} ${point}`)
  );
  const mirror = names.map((_, point) => point);
  for (const [from, to] of turned) for (const point of range(from, to)) mirror[point] = from + to - point;
  for (const [a, b] of pairs) [mirror[a], mirror[b]] = [b, a];
  return { names, mirror, scales };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** What a report shows of segmentation: a table of the classes, confused pixels, pictures with their masks. */
import type { Digest } from "../../models/answers.ts";
import type { MatrixSection, PicturePanel, PicturesSection, Section, TableSection } from "../section.ts";
import type { Judged, Shown } from "../task.ts";
import { diceOf, iouOf } from "./metrics.ts";
import { COUNTED, countPixels, digestOf, NUMBERS, sumCounts } from "./pixel_counts.ts";

/** What sections are told. */
export interface SectionsOptions {
  /** Of the classes. */
  readonly names: readonly string[];
  /** Of the masks. */
  readonly size: readonly [height: number, width: number];
  /** The output that is judged. */
  readonly output: string;
  readonly shown?: Shown;
}

/** More classes than this make a matrix that nobody reads. */
const MOST_MATRIX = 40;

/** Returns the sections of a model's answers. */
export function sectionsOf(judged: Judged, options: SectionsOptions): readonly Section[] {
  const { names, shown } = options;
  return [
    classesTable(judged, names),
    ...(names.length > MOST_MATRIX ? [] : [confusion(judged, names)]),
    ...(shown === undefined ? [] : pictures(judged, { ...options, shown })),
  ];
}

function classesTable(judged: Judged, names: readonly string[]): TableSection {
  const counts = sumCounts(countPixels(judged, names.length).rows, names.length * NUMBERS);
  const known = (value: number) => Number.isFinite(value) ? value : null;
  let all = 0;
  for (let k = 0; k < names.length; k++) all += counts[k * NUMBERS + COUNTED.truth];
  return {
    kind: "table",
    heading: "Classes",
    lead:
      "How far the deployed model found the pixels of each class: of those that are of it or that it named so, the " +
      "share that is both (IoU), and how many of the ones and of the others are.",
    columns: [
      { heading: "Class" },
      { heading: "IoU", unit: "fraction" },
      { heading: "Dice", unit: "fraction" },
      { heading: "Precision", unit: "fraction" },
      { heading: "Recall", unit: "fraction" },
      { heading: "Of all pixels", unit: "fraction" },
    ],
    rows: names.map((name, k) => {
      const own = counts.subarray(k * NUMBERS, (k + 1) * NUMBERS);
      const { both, truth, answered } = COUNTED;
      return [name, iouOf(own), diceOf(own), own[both] / own[answered], own[both] / own[truth], own[truth] / all]
        .map((cell) => typeof cell === "number" ? known(cell) : cell);
    }),
  };
}

function confusion(judged: Judged, names: readonly string[]): MatrixSection {
  const { matrix } = countPixels(judged, names.length);
  return {
    kind: "matrix",
    heading: "Confused pixels",
    lead: "Which class the deployed model gave to the pixels of each class; right ones lie on the diagonal.",
    rows: { label: "class", names },
    columns: { label: "answer", names },
    values: names.map((_, k) => [...matrix.subarray(k * names.length, (k + 1) * names.length)]),
  };
}

/** Pictures shown: the worst ones, and the one in the middle. */
const WORST = 3;

function pictures(
  judged: Judged,
  options: Required<SectionsOptions>,
): readonly PicturesSection[] {
  const { names, size, output, shown } = options;
  const { rows } = countPixels(judged, names.length);
  const width = names.length * NUMBERS;
  const shares = Array.from({ length: rows.length / width }, (_, picture) => {
    const own = rows.subarray(picture * width, (picture + 1) * width);
    let [both, truth] = [0, 0];
    for (let at = 0; at < width; at += NUMBERS) {
      both += own[at + COUNTED.both];
      truth += own[at + COUNTED.truth];
    }
    return { picture, share: both / truth };
  }).filter(({ share }) => Number.isFinite(share)).sort((a, b) => a.share - b.share);
  const middle = shares[Math.floor(shares.length / 2)];
  const chosen = new Set([...shares.slice(0, WORST), ...(middle === undefined ? [] : [middle])]);
  const models = { float: shown.others.float?.[output], deployed: judged.answer };
  const digests = Object.entries(models).flatMap(([model, answer]) =>
    answer === undefined ? [] : [{ model, digest: digestOf(answer) } as const]
  );
  const found = [...chosen].flatMap(({ picture, share }) => {
    const bytes = shown.picture(picture);
    if (bytes === undefined) return [];
    const truth = panel("truth", { pixels: Uint8Array.from(sliceOf(judged.targets, { picture, size })), options });
    const others = digests.map(({ model, digest }) =>
      panel(model === "float" ? "float" : "deployed", { pixels: classesIn(digest, { picture, size }), options })
    );
    const caption = `Picture ${picture}: ${(100 * share).toFixed(1)} % of its pixels are right`;
    return [{ caption, picture: bytes, panels: [truth, ...others] }];
  });
  if (found.length === 0) return [];
  return [{
    kind: "pictures",
    heading: "Masks",
    lead: "The pictures with the most wrong pixels and one of the middle, with the classes of their pixels.",
    groups: names,
    rows: found,
  }];
}

interface Place {
  readonly picture: number;
  readonly size: SectionsOptions["size"];
}

function sliceOf(values: Judged["targets"], { picture, size: [height, width] }: Place): Judged["targets"] {
  return values.subarray(picture * height * width, (picture + 1) * height * width);
}

function classesIn({ values }: Digest, { picture, size: [height, width] }: Place): Uint8Array {
  return values.slice(picture * height * width, (picture + 1) * height * width);
}

/** A first class that is all that is left. */
const BACKGROUND = /^(0|ground|background)$/i;

function panel(
  model: "truth" | "float" | "deployed",
  { pixels, options: { names: [first], size: [height, width] } }: {
    readonly pixels: Uint8Array;
    readonly options: SectionsOptions;
  },
): PicturePanel {
  const clear = BACKGROUND.test(first) ? { clear: 0 } : {};
  return { name: model, model, marks: [{ kind: "mask", height, width, pixels, ...clear }] };
}

/** What a report shows of boxes: curves, a table of classes, pictures with boxes of several models. */
import type { BoxMark, PicturePanel, PictureRow, PicturesSection, Section } from "../section.ts";
import type { JudgedAll, Shown } from "../task.ts";
import { averagePrecisions, countsAt, f1Of, meanOfClasses, precisionOf, recallOf } from "./average_precision.ts";
import type { FoundBox, Rectangle } from "./boxes.ts";
import { type BoxReader, type JudgedBoxes, OVERLAPS } from "./judged_boxes.ts";
import { type RankedClass, VERDICT } from "./match.ts";
import { f1ByThreshold, THRESHOLDS } from "./metrics.ts";
import { pairBoxes } from "./same_boxes.ts";

/** What sections are made of. */
export interface SectionsOptions {
  /** An output: all are read alike. */
  readonly output: string;
  readonly reader: BoxReader;
  /** Names of the classes. */
  readonly names: readonly string[];
  /** Boxes of the judged model above this score count as found. */
  readonly scoreThreshold: number;
}

/** Curves in one figure, and lines of a table: more cannot be told apart. */
const MAX_CURVES = 6;
const MAX_ROWS = 40;
/** Places on a curve. */
const MAX_POINTS = 100;
/** Pictures of a section. */
const MAX_PICTURES = 6;
/** Boxes that overlap by less than this are not of the same thing. */
const SAME_THING = 0.5;

/** Models whose answers may be shown beside the judged one's. */
const OTHERS = ["float", "simulated"] as const;

/** Makes the sections of detection. */
export function detectionSections(
  judged: JudgedAll,
  options: SectionsOptions,
  shown: Shown | undefined,
): readonly Section[] {
  const boxes = options.reader.judged(judged);
  const others = OTHERS.flatMap((model) => {
    const answers = shown?.others[model];
    if (answers === undefined) return [];
    const told = shown?.decodings?.[model]?.[options.output]?.scoreThreshold;
    const threshold = typeof told === "number" ? told : options.scoreThreshold;
    return [{ model, boxes: options.reader.judged({ answers, targets: judged.targets }), threshold }];
  });
  const models: readonly ModelBoxes[] = [...others, { model: "deployed", boxes, threshold: options.scoreThreshold }];
  return [
    perClass(boxes, options),
    precisionOverRecall(boxes, options),
    f1OverThreshold(models),
    ...pictureSections(models, { ...options, shown }),
  ];
}

/** A model's boxes. */
interface ModelBoxes {
  readonly model: "float" | "simulated" | "deployed";
  readonly boxes: JudgedBoxes;
  /** Those above this score count as found: validation samples may have chosen another for each model. */
  readonly threshold: number;
}

/** Says above which score boxes count: "above 0.5", or "above 0.3 for float, above 0.5 for simulated and deployed". */
function sayThresholds(models: readonly ModelBoxes[], where: "above" | "at"): string {
  const thresholds = [...new Set(models.map(({ threshold }) => threshold))];
  if (thresholds.length === 1) return `${where} ${thresholds[0]}`;
  return thresholds.map((threshold) => {
    const of = models.filter((one) => one.threshold === threshold).map(({ model }) => model);
    return `${where} ${threshold} for ${of.join(" and ")}`;
  }).join(", ");
}

function perClass({ coco }: JudgedBoxes, { names, scoreThreshold: score }: SectionsOptions): Section {
  const known = (value: number) => Number.isNaN(value) ? null : value;
  const rows = coco.slice(0, MAX_ROWS).map((ranked, label) => {
    const precisions = averagePrecisions(ranked, { thresholds: OVERLAPS.length, rule: "coco" });
    const counts = countsAt(ranked, { score });
    return [
      names[label],
      counts.right + counts.missed,
      known(precisions[0]),
      known(meanOfClasses(precisions)),
      known(precisionOf(counts)),
      known(recallOf(counts)),
      f1Of(counts),
    ];
  });
  const which = coco.length > MAX_ROWS ? `the first ${MAX_ROWS} classes of ${coco.length}` : "each class";
  return {
    kind: "table",
    heading: "Classes",
    lead:
      `How the deployed model finds ${which}. Precision, recall and F1 are those of boxes above a score of ${score}.`,
    columns: [
      { heading: "class" },
      { heading: "boxes" },
      ...["AP@0.5", "AP@0.5:0.95", "precision", "recall", "F1"].map((heading) => ({ heading, unit: "fraction" })),
    ],
    rows,
  };
}

function precisionOverRecall({ coco }: JudgedBoxes, { names }: SectionsOptions): Section {
  return {
    kind: "curve",
    heading: "Precision over recall",
    lead: "How much of what the deployed model finds is right, the more of what is there it finds, at an IoU of 0.5.",
    x: { label: "recall", unit: "fraction", min: 0, max: 1 },
    y: { label: "precision", unit: "fraction", min: 0, max: 1 },
    marks: "line",
    series: coco.slice(0, MAX_CURVES).map((ranked, label) => ({ name: names[label], points: curveOf(ranked) })),
  };
}

/** Precision over recall as the score falls, at so many places. */
function curveOf({ verdicts: [verdict], there }: RankedClass): readonly (readonly [number, number])[] {
  const all = there.reduce((sum, count) => sum + count, 0);
  if (all === 0) return [];
  const points: (readonly [number, number])[] = [];
  let [right, counted] = [0, 0];
  for (const each of verdict) {
    if (each === VERDICT.uncounted) continue;
    counted++;
    if (each === VERDICT.right) right++;
    points.push([right / all, right / counted]);
  }
  const step = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

function f1OverThreshold(models: readonly ModelBoxes[]): Section {
  return {
    kind: "curve",
    heading: "F1 over the threshold",
    lead: `F1 of all boxes above a score, at an IoU of 0.5. The report's is that ${sayThresholds(models, "at")}.`,
    x: { label: "score", min: 0, max: 1 },
    y: { label: "F1", unit: "fraction", min: 0, max: 1 },
    marks: "line",
    series: models.map(({ model, boxes }) => {
      const values = f1ByThreshold(boxes);
      return { name: model, model, points: THRESHOLDS.map((threshold, i) => [threshold, values[i]] as const) };
    }),
  };
}

type PictureOptions = SectionsOptions & { readonly shown: Shown | undefined };

/** The first pictures, and those in which the deployed model and the float one differ most. */
function pictureSections(models: readonly ModelBoxes[], options: PictureOptions): readonly Section[] {
  const deployed = models[models.length - 1];
  const count = Math.min(MAX_PICTURES, deployed.boxes.found.length);
  const float = models.find(({ model }) => model === "float");
  // Simulated boxes are the deployed ones but for rounding.
  const drawn = models.filter(({ model }) => model !== "simulated");
  return [
    ...picturesOf(Array.from({ length: count }, (_, sample) => sample), drawn, {
      ...options,
      heading: "Boxes",
      lead: `What is there, and what was found with a score ${sayThresholds(drawn, "above")}.`,
    }),
    ...(float === undefined ? [] : picturesOf(mostDifferent(float, deployed), drawn, {
      ...options,
      heading: "Where int8 differs from float",
      lead: "The pictures in which most boxes of one model are none of the other's, of those with a score " +
        `${sayThresholds(drawn, "above")}.`,
    })),
  ];
}

/** Returns the samples with boxes that only one of two models has, most of them first. */
function mostDifferent(a: ModelBoxes, b: ModelBoxes): readonly number[] {
  const differences = a.boxes.found.map((_, sample) => {
    const [mine, theirs] = [a, b].map((model) => foundBy(model, sample));
    const same = pairBoxes(mine, theirs, SAME_THING).filter((partner) => partner >= 0).length;
    return { sample, count: mine.length + theirs.length - 2 * same };
  });
  return differences.filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_PICTURES)
    .map(({ sample }) => sample);
}

function picturesOf(
  samples: readonly number[],
  models: readonly ModelBoxes[],
  { names, shown, heading, lead }: PictureOptions & Pick<PicturesSection, "heading" | "lead">,
): readonly PicturesSection[] {
  const rows = samples.flatMap((sample): readonly PictureRow[] => {
    const picture = shown?.picture(sample);
    if (picture === undefined) return [];
    const [{ boxes: { truth } }] = models;
    const panels: readonly PicturePanel[] = [
      {
        name: "truth",
        model: "truth",
        marks: truth[sample].map((box) => markOf(box, names[box.label] + (box.difficult ? " (difficult)" : ""))),
      },
      ...models.map((each) => ({
        name: each.model,
        model: each.model,
        marks: foundBy(each, sample).map((box) => markOf(box, `${names[box.label]} ${box.score.toFixed(2)}`)),
      })),
    ];
    return [{ caption: `sample ${sample}`, picture, panels }];
  });
  return rows.length === 0 ? [] : [{ kind: "pictures", heading, lead, rows, groups: names }];
}

function markOf(box: Rectangle & { readonly label: number }, label: string): BoxMark {
  const { left, top, right, bottom } = box;
  return { kind: "box", x: left, y: top, width: right - left, height: bottom - top, label, group: box.label };
}

/** Returns what a model found in a sample, above its own threshold. */
function foundBy({ boxes, threshold }: ModelBoxes, sample: number): readonly FoundBox[] {
  return boxes.found[sample].filter(({ score }) => score > threshold);
}

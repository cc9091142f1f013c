/** What a report shows of points besides the metrics: which are hard, how errors spread, and faces with points in them. */
import type { Answer } from "../../models/answers.ts";
import type { Mark, PictureRow, Section } from "../section.ts";
import { formatMetric, type Judged, type Shown } from "../task.ts";
import { type ErrorScale, FAILURE, pointErrors, type PointLayout, sampleErrors } from "./errors.ts";

/** What is shown. */
export interface LandmarkShown extends Partial<Pick<Shown, "picture">> {
  /** What the float model answers. */
  readonly float?: Answer;
  /** Names of the points. */
  readonly points: readonly string[];
  readonly layout: PointLayout;
  readonly scale: ErrorScale;
}

/** A model by its answers. */
interface ShownModel {
  readonly name: string;
  readonly model: "float" | "simulated" | "deployed";
  readonly judged: Judged;
}

/** Returns the sections of the deployed model's answers, beside those of the float model where they are known. */
export function landmarkSections(judged: Judged, shown: LandmarkShown): readonly Section[] {
  const { float } = shown;
  const models: readonly ShownModel[] = [
    ...(float === undefined ? [] : [{ name: "float", model: "float", judged: { ...judged, answer: float } } as const]),
    { name: "int8", model: "deployed", judged },
  ];
  return [errorsByPoint(models, shown), errorCurve(models, shown), ...pictures(models, shown)];
}

function errorsByPoint(models: readonly ShownModel[], { points, layout, scale }: LandmarkShown): Section {
  return {
    kind: "bars",
    heading: "Error by landmark",
    lead: `How far each point is off in the mean, as a share of the ${scale.name} distance.`,
    x: { label: "landmark" },
    y: { label: "mean error", unit: "fraction", min: 0 },
    labels: points,
    series: models.map(({ name, model, judged }) => {
      const errors = pointErrors(judged, { layout, scale });
      const sums = points.map(() => 0);
      errors.forEach((error, i) => sums[i % points.length] += error);
      return { name, model, values: sums.map((sum) => sum * points.length / errors.length) };
    }),
  };
}

/** Where the curve ends, and at how many places it is drawn. */
const CURVE = { end: 2 * FAILURE, places: 80 };

function errorCurve(models: readonly ShownModel[], { layout, scale }: LandmarkShown): Section {
  return {
    kind: "curve",
    heading: "Cumulative errors",
    lead:
      `The share of pictures whose mean error is no larger, as a share of the ${scale.name} distance; those beyond ` +
      `${100 * FAILURE} % count as failures.`,
    x: { label: "mean error of a picture", unit: "fraction", min: 0, max: CURVE.end },
    y: { label: "share of pictures", unit: "fraction", min: 0, max: 1 },
    marks: "line",
    series: models.map(({ name, model, judged }) => {
      const errors = sampleErrors(judged, { layout, scale }).toSorted();
      let below = 0;
      const points = Array.from({ length: CURVE.places + 1 }, (_, place) => {
        const error = CURVE.end * place / CURVE.places;
        while (below < errors.length && errors[below] <= error) below++;
        return [error, below / errors.length] as const;
      });
      return { name, model, points };
    }),
  };
}

/** Pictures in which models differ the most that are shown. */
const MOST_DIFFERENT = 3;

/** The pictures that the deployed model finds the easiest, middling and hardest, and those in which it differs from float. */
function pictures(models: readonly ShownModel[], shown: LandmarkShown): readonly Section[] {
  const { layout, scale, picture } = shown;
  const errors = models.map(({ judged }) => sampleErrors(judged, { layout, scale }));
  const own = errors[errors.length - 1];
  const order = Array.from(own, (_, i) => i).sort((a, b) => own[a] - own[b]);
  if (picture === undefined || order.length === 0) return [];
  const chosen = new Map<number, string>();
  const choose = (sample: number | undefined, why: string) => {
    if (sample !== undefined && !chosen.has(sample)) chosen.set(sample, why);
  };
  choose(order[0], "the best");
  choose(order[order.length >> 1], "the middle one");
  choose(order.at(-1), "the worst");
  for (const sample of mostDifferent(models, layout)) choose(sample, "float and int8 differ");
  const rows = [...chosen].flatMap(([sample, why]): readonly PictureRow[] => {
    const bytes = picture(sample);
    if (bytes === undefined) return [];
    const found = models.map(({ name }, m) => `${name} ${formatMetric(errors[m][sample], { unit: "fraction" })}`);
    return [{
      caption: `Picture ${sample + 1}, ${why}: ${found.join(", ")}`,
      picture: bytes,
      panels: [
        { name: "truth", model: "truth", marks: [marksOf(models[0].judged.targets, { sample, layout })] },
        ...models.map(({ name, model, judged }) => ({
          name,
          model,
          marks: [marksOf(judged.answer.values, { sample, layout })],
        })),
      ],
    }];
  });
  return rows.length === 0 ? [] : [{
    kind: "pictures",
    heading: "Points in pictures",
    lead: "What is true beside what the models find, in some of the test pictures; errors as above.",
    rows,
  }];
}

function mostDifferent(models: readonly ShownModel[], layout: PointLayout): readonly number[] {
  if (models.length < 2) return [];
  const [float, deployed] = models;
  const apart = pointDistances(float.judged, deployed.judged, layout);
  return Array.from(apart, (_, i) => i).sort((a, b) => apart[b] - apart[a]).slice(0, MOST_DIFFERENT);
}

/** How far the points of two models are apart in each sample, in the mean, in pixels. */
function pointDistances(a: Judged, b: Judged, { count, size: [height, width] }: PointLayout): Float64Array {
  const sums = new Float64Array(a.targets.length / (2 * count));
  for (let point = 0; point < a.targets.length / 2; point++) {
    const dx = (a.answer.values[2 * point] - b.answer.values[2 * point]) * width;
    const dy = (a.answer.values[2 * point + 1] - b.answer.values[2 * point + 1]) * height;
    sums[Math.floor(point / count)] += Math.hypot(dx, dy) / count;
  }
  return sums;
}

function marksOf(
  values: ArrayLike<number>,
  { sample, layout: { count } }: { readonly sample: number; readonly layout: PointLayout },
): Mark {
  const points = Array.from({ length: count }, (_, point) => {
    const at = 2 * (sample * count + point);
    return [values[at], values[at + 1]] as const;
  });
  return { kind: "points", points };
}

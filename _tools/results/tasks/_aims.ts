/** What tasks are to reach, and whether they do, of the rows that were run. */
import type { TaskFigures, TaskResult } from "./_figures.ts";

/** An aim. */
export interface Aim {
  readonly what: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** What a detector is to reach in float, and how far from the control training may end, in points. */
const DETECTOR = { float: 0.75, points: 1 } as const;
/** What landmarks are to reach in float, and how much worse than the control training may end, as a share of it. */
const LANDMARKS = { float: 0.06, share: 0.02 } as const;
/** Of the time of the float file, in the same run. */
const HALF = 0.5;

/** Lists the aims of a page of which anything was measured. */
export function aimsOf(page: string, results: readonly TaskResult[]): readonly Aim[] {
  const own = results.filter((result) => result.page === page);
  const figures = (row: string) => own.find((result) => result.row === row)?.figures;
  const seeds = (from: string) => own.filter(({ row }) => row.startsWith(`${from}-qat-`)).map(({ figures }) => figures);
  switch (page) {
    case "detection":
      return [
        ...floatAim("float mAP@0.5 is at least 75 %", figures("float"), (value) => value >= DETECTOR.float),
        ...meanAim(
          "mAP@0.5",
          "is within a point of the control's, in the mean of the seeds",
          seeds("adapted"),
          withinPoints,
        ),
        ...meanAim(
          "F1",
          "is within a point of the control's, in the mean of the seeds",
          seeds("adapted"),
          withinPoints,
        ),
        ...timeAim("the int8 file takes at most half of float's time", figures("adapted-static")),
        ...timeAim("the same with `--pack-pixels`", figures("adapted-packed")),
      ];
    case "landmarks":
      return [
        ...floatAim("float NME of resnet18 is at most 6 %", figures("resnet18"), (value) => value <= LANDMARKS.float),
        ...meanAim(
          "NME (inter-ocular)",
          "is at most 2 % above the control's, in the mean of the seeds",
          seeds("resnet18"),
          (reached, control) => reached <= control * (1 + LANDMARKS.share),
        ),
      ];
    default:
      return [];
  }
}

function withinPoints(reached: number, control: number): boolean {
  return 100 * (control - reached) <= DETECTOR.points;
}

function floatAim(
  what: string,
  figures: TaskFigures | undefined,
  isReached: (value: number) => boolean,
): readonly Aim[] {
  const value = figures?.metrics[0].reached ?? null;
  return value === null ? [] : [{ what, measured: percent(value), holds: isReached(value) }];
}

function meanAim(
  metric: string,
  what: string,
  runs: readonly TaskFigures[],
  isReached: (reached: number, control: number) => boolean,
): readonly Aim[] {
  const found = runs.flatMap(({ metrics }) => metrics.find(({ name }) => name === metric) ?? [])
    .flatMap(({ reached, float }) => reached === null || float === null ? [] : [{ reached, float }]);
  if (found.length === 0) return [];
  const mean = (of: "reached" | "float") => found.reduce((sum, one) => sum + one[of], 0) / found.length;
  const [reached, control] = [mean("reached"), mean("float")];
  return [{
    what: `${metric} ${what}`,
    measured: `${percent(reached)} against ${percent(control)}, ${found.length} ${
      found.length === 1 ? "seed" : "seeds"
    }`,
    holds: isReached(reached, control),
  }];
}

function timeAim(what: string, figures: TaskFigures | undefined): readonly Aim[] {
  const latency = figures?.latencyMs ?? null;
  if (latency === null) return [];
  const ratio = latency.deployed / latency.float;
  return [{ what, measured: `${ratio.toFixed(2)} of it`, holds: ratio <= HALF }];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

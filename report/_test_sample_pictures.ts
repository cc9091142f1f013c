/** A made-up report of a detector: boxes, points and masks in pictures, what decoding costs, energy. */
import type { BoxMark, MaskMark, PicturePanel, PictureRow, PictureSource, PicturesSection } from "../tasks/section.ts";
import { seeded, trainedReport } from "./_test_sample_report.ts";
import { writeRuns } from "./mask_runs.ts";
import type { Report } from "./schema.ts";

/** A red box and a yellow disc. */
const PICTURE: PictureSource = {
  width: 32,
  height: 24,
  src: "data:image/jpeg;base64," +
    "/9j/2wBDABISEhITEhQWFhQcHhseHCkmIiImKT4sMCwwLD5eO0U7O0U7XlNlUk1SZVOWdmhodpatkYqRrdK8vNL/+///////2wBDARISEhITEhQW" +
    "FhQcHhseHCkmIiImKT4sMCwwLD5eO0U7O0U7XlNlUk1SZVOWdmhodpatkYqRrdK8vNL/+///////wgARCAAYACADASIAAhEBAxEB/8QAGQAAAgMB" +
    "AAAAAAAAAAAAAAAAAAMCBAUB/8QAFgEBAQEAAAAAAAAAAAAAAAAAAwQB/9oADAMBAAIQAxAAAACgzk8omzTQUGYwHuvRAB//xAAdEAACAgIDAQAA" +
    "AAAAAAAAAAABAgADBBEQEjFh/9oACAEBAAE/AAIIBAOEmJiUvSHcbLTJpWm3S+EbgEAlGTbSvUaI+x3a1izGf//EABsRAAIDAQEBAAAAAAAAAAAA" +
    "AAECAAMREhNB/9oACAECAQE/ADY3rz8gvRrGQbohnChiwUaZ/8QAIBEAAQMCBwAAAAAAAAAAAAAAAAECEQMxBBITFCFC4f/aAAgBAwEBPwBcNT2m" +
    "p29H0VRuYdaJ4HWg/9k=",
};

const NAMES = ["red cell", "white cell", "platelet", "smudge", "dust", "ring form"];

const MAP = { name: "mAP@0.5", output: "boxes_32" } as const;

/** A report of a detector. */
export function detectorReport(): Report {
  const base = trainedReport();
  const [metric] = base.metrics;
  return {
    ...base,
    task: {
      name: "detection",
      outputs: [{ name: "boxes_32", task: "detection" }, { name: "boxes_16", task: "detection" }],
    },
    metrics: [{ ...metric, ...MAP, better: "higher" }],
    train: {
      ...base.train,
      epochs: base.train.epochs.map(({ metrics, ...epoch }) => ({
        ...epoch,
        metrics: metrics.map((measured) => ({ ...measured, ...MAP })),
      })),
    },
    floatBefore: base.floatBefore?.map(({ metrics, ...step }) => ({
      ...step,
      metrics: metrics.map((measured) => ({ ...measured, ...MAP })),
    })),
    taskAgreement: { what: "boxes at IoU 0.99", same: 3_120, of: 3_125 },
    latencyMs: { ...base.latencyMs!, decoding: { p50: 0.21, p95: 0.34 } },
    work: {
      cpuMs: { float: 2.61, deployed: 0.83 },
      singleCpuMs: { float: 1.98, deployed: 0.61 },
      joules: { float: 0.0412, deployed: 0.0131 },
    },
    sections: [boxes(), points(), masks()],
  };
}

/** As many boxes of as many pixels as a picture may have. */
function boxes(): PicturesSection<PictureSource, string> {
  const random = seeded(5);
  const drawn = (count: number): readonly BoxMark[] =>
    Array.from({ length: count }, () => {
      const group = Math.floor(6 * random());
      const score = 0.5 + random() / 2;
      const [x, y] = [0.85 * random(), 0.8 * random()];
      const [width, height] = [0.05 + 0.2 * random(), 0.06 + 0.25 * random()];
      return { kind: "box", x, y, width, height, group, label: `${NAMES[group]} ${score.toFixed(2)}` };
    });
  const found: readonly BoxMark[] = [
    { kind: "box", x: 0.12, y: 0.2, width: 0.26, height: 0.52, group: 0, label: "red cell 0.98" },
    { kind: "box", x: 0.52, y: 0.37, width: 0.33, height: 0.43, group: 1, label: "white cell 0.91" },
  ];
  const row = (caption: string, marks: readonly (readonly BoxMark[])[]) => rowOf(caption, marks);
  return {
    kind: "pictures",
    heading: "Boxes found",
    lead: "Pictures where float and int8 differ most, the first at the top.",
    groups: NAMES,
    rows: [
      row("sample 17", [found.map(({ label: _, ...box }) => box), found, found.slice(0, 1)]),
      row("sample 4", [drawn(5), drawn(24), drawn(16)]),
      row("sample 9", [[], [], []]),
    ],
    left: 9,
  };
}

function rowOf(
  caption: string,
  [truth, float, deployed]: readonly PicturePanel<string>["marks"][],
): PictureRow<PictureSource, string> {
  return {
    caption,
    picture: PICTURE,
    panels: [
      { name: "truth", model: "truth", marks: truth },
      { name: "float", model: "float", marks: float },
      { name: "int8", model: "deployed", marks: deployed },
    ],
  };
}

/** A ring of points, of which one is nowhere. */
function points(): PicturesSection<PictureSource, string> {
  const random = seeded(6);
  const ring = (off: number) =>
    Array.from({ length: 24 }, (_, i) => {
      const angle = i * Math.PI / 12;
      const [x, y] = [0.5 + 0.3 * Math.cos(angle), 0.5 + 0.35 * Math.sin(angle)];
      return i === 7 && off > 0.05 ? null : [x + off * (random() - 0.5), y + off * (random() - 0.5)] as const;
    });
  const panels = [0, 0.04, 0.1].map((off) => [{ kind: "points" as const, points: ring(off) }]);
  return {
    kind: "pictures",
    heading: "Points",
    lead: "A line leads from each point to where it should be.",
    rows: [rowOf("sample 2", panels)],
  };
}

/** A disc on a background, which is not coloured, with a rim that counts for nothing. */
function masks(): PicturesSection<PictureSource, string> {
  const mask = (radius: number): readonly MaskMark<string>[] => {
    const pixels = Uint8Array.from({ length: 48 * 64 }, (_, i) => {
      const far = Math.hypot(i % 64 - 44, Math.floor(i / 64) - 28);
      return far < radius ? 2 : far < radius + 1.5 ? 255 : i % 64 < 24 && i % 64 > 8 ? 1 : 0;
    });
    return [{ kind: "mask", height: 48, width: 64, pixels: writeRuns(pixels), clear: 0 }];
  };
  return {
    kind: "pictures",
    heading: "Masks",
    lead: "What is not coloured is background.",
    groups: ["background", "block", "disc"],
    rows: [rowOf("sample 3", [mask(10), mask(9), mask(6)])],
  };
}

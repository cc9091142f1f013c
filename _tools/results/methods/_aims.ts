/** What the methods are to reach, and whether they do, of the rows that were run. */
import type { MethodFigures, MethodResult, Speed } from "./_figures.ts";
import { NETS } from "./_nets.ts";

/** An aim. */
export interface Aim {
  /** What is to hold, in Markdown. */
  readonly what: string;
  /** What was measured, in words. */
  readonly measured: string;
  readonly holds: boolean;
}

/** Points that static quantization may lose, by the lower end of the interval, and its best form. */
const STATIC = 0.005;
const BEST = 0.003;
/** Points that equalization may leave of what one scale a tensor costs, and that 4 bits may cost. */
const EQUALIZED = 0.01;
const FOUR_BITS = 0.015;

/** Lists the aims of which anything was measured. */
export function aimsOf(results: readonly MethodResult[], speed?: Speed): readonly Aim[] {
  const find = (net: string, row: string) =>
    results.find((result) => result.net === net && result.row === row)?.figures;
  return [
    ...NETS.filter(({ isCnn }) => isCnn).flatMap(({ name }) => aimsOfCnn(name, results)),
    ...rescaledAim(find),
    ...["lenet", "resnet20"].flatMap((net) => fourBitAim(net, find(net, "four-adaround"))),
    ...speedAims(speed),
  ];
}

type Find = (net: string, row: string) => MethodFigures | undefined;

function aimsOfCnn(net: string, results: readonly MethodResult[]): readonly Aim[] {
  const rows = results.filter((result) => result.net === net);
  const figures = (row: string) => rows.find((result) => result.row === row)?.figures;
  const statics = rows.filter(({ row }) => row.startsWith("static")).map(({ row, figures }) => ({ row, figures }));
  return [
    ...lossAim(`${net}: static loses at most ${points(STATIC)} points`, figures("static"), STATIC),
    ...bestAim(net, statics),
    ...qatAim(net, rows.filter(({ row }) => row.startsWith("qat-")).map(({ figures }) => figures)),
    ...["minmax", "entropy", "percentile"].flatMap((calibration) => peerAims(net, calibration, figures)),
  ];
}

function lossAim(what: string, figures: MethodFigures | undefined, most: number): readonly Aim[] {
  if (figures?.change == null) return [];
  const { low, high } = figures.change;
  return [{ what, measured: interval({ low, high }), holds: low > -most }];
}

function bestAim(
  net: string,
  statics: readonly { readonly row: string; readonly figures: MethodFigures }[],
): readonly Aim[] {
  const known = statics.flatMap(({ row, figures: { change } }) => change === null ? [] : [{ row, change }]);
  if (known.length === 0) return [];
  const best = known.reduce((a, b) => b.change.low > a.change.low ? b : a);
  const what = `${net}: the best static row loses at most ${points(BEST)} points`;
  return [{ what, measured: `${best.row}, ${interval(best.change)}`, holds: best.change.low > -BEST }];
}

/** No seed is below its control by more than chance: the interval of the change reaches 0. */
function qatAim(net: string, runs: readonly MethodFigures[]): readonly Aim[] {
  const changes = runs.flatMap(({ change }) => change ?? []);
  if (changes.length === 0) return [];
  const what = `${net}: quantization-aware training is not below the control by more than the interval`;
  return [{ what, measured: changes.map(interval).join("; "), holds: changes.every(({ high }) => high >= 0) }];
}

function peerAims(
  net: string,
  calibration: string,
  figures: (row: string) => MethodFigures | undefined,
): readonly Aim[] {
  const peer = figures(`peer-${calibration}`);
  if (peer?.ours === undefined) return [];
  const { change, latencyRatio } = peer.ours;
  const whose = `that of ONNX Runtime's quantizer (${calibration})`;
  return [
    {
      what: `${net}: our file (static) is at least as accurate as ${whose}`,
      measured: interval(change),
      holds: change.high >= 0,
    },
    {
      what: `${net}: our file is no slower than ${whose}`,
      measured: `${latencyRatio.toFixed(2)} of its time`,
      holds: latencyRatio <= SAME_TIME,
    },
  ];
}

/** Times that differ by less are the same: so far two runs of one file are apart on a quiet machine. */
const SAME_TIME = 1.05;

function rescaledAim(find: Find): readonly Aim[] {
  const [plain, scaled, equalized] = [
    find("mobilenet_v2_relu", "tensor"),
    find("mobilenet_v2_rescaled", "tensor"),
    find("mobilenet_v2_rescaled", "tensor-equalize"),
  ].map((figures) => figures?.reached ?? null);
  if (plain === null || scaled === null || equalized === null) return [];
  return [{
    what: `rescaled MobileNetV2, one scale a tensor: equalization regains all but ${points(EQUALIZED)} point`,
    measured: `${percent(plain)} as it was, ${percent(scaled)} rescaled, ${percent(equalized)} equalized`,
    holds: equalized >= plain - EQUALIZED,
  }];
}

function fourBitAim(net: string, figures: MethodFigures | undefined): readonly Aim[] {
  if (figures === undefined || figures.reached === null || figures.float === null) return [];
  const lost = figures.float - figures.reached;
  return [{
    what: `${net}: weights of 4 bits by AdaRound lose at most ${points(FOUR_BITS)} points`,
    measured: `${points(lost)} points`,
    holds: lost <= FOUR_BITS,
  }];
}

function speedAims(speed: Speed | undefined): readonly Aim[] {
  return Object.entries(speed?.nets ?? {}).map(([net, { oursMs, peerMs, ratio }]) => ({
    what: `${net}, random weights: our int8 file is no slower than ONNX Runtime's quantizer's of the same net`,
    measured: `${oursMs.toFixed(3)} ms and ${peerMs.toFixed(3)} ms, ${ratio.toFixed(2)} of its time`,
    holds: ratio <= SAME_TIME,
  }));
}

/** Writes a share as a number of percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Writes a share in points. */
export function points(share: number): string {
  return `${Number((100 * share).toFixed(2))}`;
}

/** Writes an interval of a change in points. */
export function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  const signed = (x: number) => `${x < 0 ? "−" : "+"}${Math.abs(100 * x).toFixed(2)}`;
  return `${signed(low)} to ${signed(high)}`;
}

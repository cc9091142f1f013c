/** docs/zoo.md, made of what was measured. */
import { ARCHITECTURES, formatMetric } from "../../../mod.ts";
import { type FileFigures, partOf, type TrainedFigures, type ZooResult } from "./_figures.ts";
import { ZOO_ROWS, type ZooRow } from "./_rows.ts";

/** Operators of convolutions, products with weights and recurrent layers, as they are called in float. */
const WITH_WEIGHTS: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "FusedConv",
  "FusedGemm",
  "Gemm",
  "GRU",
  "LSTM",
  "MatMul",
  "RNN",
]);

/** Writes the page. */
export function zooPage(results: readonly ZooResult[], rows: readonly ZooRow[] = ZOO_ROWS): string {
  return `# The model zoo, float against int8

Written by \`deno task results zoo\`; not to be edited by hand. ${describeOrigin(results)}

[Architectures](architectures.md) says what each is and takes. Weights are counted at the size that it was published for,
as are files, latency (median of a run on one sample, by turns) and a step of quantization-aware training (momentum, observing
and rounding; median of five, and the most memory that its process had). A dash was not measured; nor are times told of a
machine of which other programs took more than a tenth meanwhile.

${table(HEADINGS, rows.map((row) => cellsOf(row, results)))}

## What stays in float, and why

"All" above means that every convolution and every product with weights runs on integers. What else does not:

${table(["architecture", "operators", "because"], rows.flatMap((row) => floatCells(row, results)))}

## A short training

Two epochs in float, one of quantization-aware training and static quantization of the same float model, on a few hundred
samples: it shows that each trains and keeps what it has learned in int8, not how good it can be. "Alike" is the share of
test samples that the model in evaluation and its file answer alike, SQNR the signal of the static file's answers to their
noise against the float model's, in dB.

${table(TRAINED_HEADINGS, rows.flatMap((row) => trainedCells(row, results)))}

| architecture | command |
| --- | --- |
${
    rows.flatMap(({ name }) => partOf(results, name, "qat") ?? []).map(({ arch, figures: { command } }) =>
      `| \`${arch}\` | \`${command}\` |`
    ).join("\n")
  }
`;
}

const HEADINGS = [
  "architecture",
  "like",
  "input",
  "weights",
  "MB float",
  "MB int8",
  "ms float",
  "ms int8",
  "faster",
  "convolutions in int8",
  "step, ms",
  "memory, MB",
  "batch",
];
const TRAINED_HEADINGS = ["architecture", "metric", "float", "QAT int8", "alike", "static int8", "alike", "SQNR"];

function cellsOf(row: ZooRow, results: readonly ZooResult[]): readonly string[] {
  const { name, options: { inputShape }, batch } = row;
  const file = partOf(results, name, "file")?.figures;
  const step = partOf(results, name, "step")?.figures;
  const published = ARCHITECTURES[name].published?.by ?? NOTHING;
  return [
    `\`${name}\``,
    published,
    inputShape.join("×"),
    ...(file === undefined ? new Array<string>(7).fill(NOTHING) : [
      file.trainable.toLocaleString("en"),
      megabytes(file.bytes.float),
      megabytes(file.bytes.int8),
      ...latencyCells(file),
      describeWeighted(file),
    ]),
    ...(step === undefined
      ? [NOTHING, NOTHING, `${batch}`]
      : [step.stepMs?.toFixed(0) ?? NOTHING, step.peakMb.toFixed(0), `${step.batch}`]),
  ];
}

const NOTHING = "–";

function latencyCells({ latencyMs }: FileFigures): readonly string[] {
  if (latencyMs === null) return [NOTHING, NOTHING, NOTHING];
  const { float, int8 } = latencyMs;
  return [milliseconds(float), milliseconds(int8), `${(float / int8).toFixed(1)}×`];
}

/** How many layers with weights run on integers, and which do not. */
function describeWeighted({ float }: FileFigures): string {
  const left = float.filter(({ op }) => WITH_WEIGHTS.has(op)).reduce((sum, { count }) => sum + count, 0);
  return left === 0 ? "all" : `all but ${left}`;
}

function floatCells({ name }: ZooRow, results: readonly ZooResult[]): readonly (readonly string[])[] {
  const file = partOf(results, name, "file")?.figures;
  if (file === undefined) return [];
  if (file.float.length === 0) return [[`\`${name}\``, "none", ""]];
  return file.float.map(({ op, because, count }) => [`\`${name}\``, `${count} ${op}`, because]);
}

function trainedCells({ name }: ZooRow, results: readonly ZooResult[]): readonly (readonly string[])[] {
  const [qat, still] = [partOf(results, name, "qat")?.figures, partOf(results, name, "static")?.figures];
  if (qat === undefined && still === undefined) return [];
  const known = qat ?? still;
  return [[
    `\`${name}\``,
    known?.metric.name ?? NOTHING,
    known === undefined ? NOTHING : value(known, known.float),
    ...(qat === undefined ? [NOTHING, NOTHING] : [value(qat, qat.int8), share(qat.alike)]),
    ...(still === undefined ? [NOTHING, NOTHING, NOTHING] : [
      value(still, still.int8),
      share(still.alike),
      still.sqnrDb === null ? NOTHING : still.sqnrDb.toFixed(1),
    ]),
  ]];
}

function value({ metric }: TrainedFigures, number: number | null): string {
  return number === null ? NOTHING : formatMetric(number, metric);
}

function share(alike: number | null): string {
  return alike === null ? NOTHING : `${(100 * alike).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1);
}

function milliseconds(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : 1);
}

/** Commits, machines and days that figures are from. */
function describeOrigin(results: readonly ZooResult[]): string {
  if (results.length === 0) return "Nothing has been measured yet.";
  const all = (of: (result: ZooResult) => string) => [...new Set(results.map(of))].toSorted().join(", ");
  return `${all(({ machine }) => machine)}; commits ${all(({ commit }) => commit)}; ${all(({ date }) => date)}.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

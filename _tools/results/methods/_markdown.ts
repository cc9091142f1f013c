/** The table of methods as Markdown. */
import type { Origin } from "../_origin.ts";
import { aimsOf, interval, percent } from "./_aims.ts";
import type { MethodFigures, MethodResult, Speed } from "./_figures.ts";
import { type Net, NETS } from "./_nets.ts";
import { type Row, rowsOf } from "./_rows.ts";

/** What docs/methods.json holds. */
export interface Methods {
  readonly rows: readonly MethodResult[];
  /** Times of the built-in nets; absent until they were taken. */
  readonly speed?: Speed;
}

/** Writes the page. */
export function methodsPage({ rows, speed }: Methods): string {
  const aims = aimsOf(rows, speed);
  return [
    "# Methods",
    "Written by `deno task results methods`; not to be edited by hand. What each way to quantize reaches, in ONNX Runtime on " +
    "exact int8 kernels, on pictures that nothing has seen: the last 5,000 of the 20,000 training pictures of CIFAR-10 " +
    "that there are with 1,000 of its test set, the 10,000 of MNIST's, 10,000 generated sequences. All rows of a net are of " +
    "one float model, and ranges are found on 512 training samples. Changes are from that model, of training from the " +
    "control, which was trained on in float for as long: the 95 % interval of the paired change, and p of McNemar's exact " +
    "test. SQNR is that of the outputs against the float model's. Times are medians of a run on one sample; seconds are " +
    "those of the method, without loading and judging; of training, of the whole command with its control.",
    ...(aims.length === 0 ? [] : [
      "## Aims",
      table(
        ["aim", "measured", "holds"],
        aims.map(({ what, measured, holds }) => [what, measured, holds ? "yes" : "**no**"]),
      ),
    ]),
    ...NETS.flatMap((net) => sectionOf(net, rows)),
    ...(speed === undefined ? [] : ["## Origin of the times of nets with random weights", origin([speed])]),
    "## Commands",
    "CACHE is the folder of `--cache`.",
    table(
      ["row", "command", "time"],
      ordered(rows).map(({ net, row, command, seconds }) => [`${net}/${row}`, `\`${command}\``, `${seconds} s`]),
    ),
  ].join("\n\n") + "\n";
}

function sectionOf(net: Net, results: readonly MethodResult[]): readonly string[] {
  const own = results.filter((result) => result.net === net.name);
  const rows = rowsOf(net).flatMap((row) => {
    const result = own.find((result) => result.row === row.name);
    return result === undefined ? [] : [{ row, result }];
  });
  if (rows.length === 0) return [];
  const [{ result: { figures } }] = rows;
  const rate = net.rate === undefined
    ? ""
    : ` Quantization-aware training begins at a rate of ${net.rate.value}: ${net.rate.because}.`;
  return [
    `## ${net.what}`,
    `Float: ${metricOf(figures, figures.original ?? figures.float)} of ${figures.count.toLocaleString("en")}. ${
      origin(rows.map(({ result }) => result))
    }${rate}`,
    table(HEADINGS, rows.flatMap(cellsOf)),
  ];
}

const HEADINGS = ["method", "deployed", "change, 95 %; p", "SQNR", "ms (of float)", "KB (of float)", "seconds"];

function cellsOf({ row, result }: { readonly row: Row; readonly result: MethodResult }) {
  const { figures } = result;
  const { reference, float, reached, isSimulated, change, sqnrDb, latencyMs, bytes } = figures;
  const own = [
    row.what,
    `${metricOf(figures, reached)}${isSimulated ? " (simulated)" : ""}`,
    change === null ? "" : `${interval(change)}; ${change.p.toFixed(2)}`,
    sqnrDb === null ? "" : `${sqnrDb.toFixed(1)} dB`,
    latencyMs === null
      ? ""
      : `${latencyMs.deployed.toFixed(3)} (${(latencyMs.deployed / latencyMs.float).toFixed(2)})${
        latencyMs.unsteady ? " ?" : ""
      }`,
    bytes === null ? "" : `${kilobytes(bytes.deployed)} (${(bytes.deployed / bytes.float).toFixed(2)})`,
    secondsOf(figures.seconds ?? result.seconds),
  ];
  if (reference !== "control") return [own];
  return [[`its control`, metricOf(figures, float), "", "", "", "", ""], own];
}

function metricOf({ unit, metric }: MethodFigures, value: number | null): string {
  if (value === null) return "n/a";
  return unit === "fraction" ? percent(value) : `${metric} ${value.toPrecision(4)} ${unit}`.trim();
}

function secondsOf(seconds: number): string {
  return seconds.toFixed(seconds < 10 ? 1 : 0);
}

function kilobytes(bytes: number): string {
  return Math.round(bytes / 1000).toLocaleString("en");
}

/** In the order of the table. */
function ordered(results: readonly MethodResult[]): readonly MethodResult[] {
  return NETS.flatMap((net) =>
    rowsOf(net).flatMap(({ name }) => results.filter((result) => result.net === net.name && result.row === name))
  );
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function origin(results: readonly Origin[]): string {
  const listed = (texts: readonly string[]) => [...new Set(texts)].join(", ");
  return `Commit ${listed(results.map(({ commit }) => commit))}; ${listed(results.map(({ machine }) => machine))}; ` +
    `${listed(results.map(({ date }) => date))}.`;
}

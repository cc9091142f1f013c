/** The part of a task's page that is made of its rows. */
import { formatMetric } from "../../../mod.ts";
import { MARKS } from "../_markdown.ts";
import type { Origin } from "../_origin.ts";
import { aimsOf } from "./_aims.ts";
import type { TaskFigures, TaskResult } from "./_figures.ts";
import type { TaskPage, TaskRow } from "./_rows.ts";

/** Metrics that have a column. */
const MOST_METRICS = 4;

/** Writes the part between the marks: what holds, the table, the curve, the commands. */
export function taskBlock(page: TaskPage, results: readonly TaskResult[]): string {
  const rows = page.rows.flatMap((row) => {
    const result = results.find((result) => result.page === page.name && result.row === row.name);
    return result === undefined ? [] : [{ row, result }];
  });
  if (rows.length === 0) return "`deno task results tasks` writes its figures here.";
  const aims = aimsOf(page.name, results);
  const [{ result: { figures } }] = rows;
  const shown = shownOf(page, figures);
  return [
    `${page.what}; judged by ${figures.count.toLocaleString("en")}. ${origin(rows.map(({ result }) => result))}`,
    "Changes are from the float model that a row goes on from, of training from its control, which was trained on in float " +
    "for as long: the 95 % interval and p of the paired test. Files are judged on exact kernels; times are medians of a " +
    "run on one sample.",
    ...(aims.length === 0 ? [] : [
      table(
        ["aim", "measured", "holds"],
        aims.map(({ what, measured, holds }) => [what, measured, holds ? "yes" : "**no**"]),
      ),
    ]),
    table(headings(figures, shown), rows.flatMap((run) => cellsOf(run, shown))),
    ...meansOf(page, rows.map(({ result }) => result)),
    ...(hasCurve(rows.map(({ result }) => result))
      ? [`![${figures.metrics[0].name} after each epoch](${page.name}.svg)`]
      : []),
    "CACHE is the folder of `--cache`.",
    table(
      ["row", "command", "time"],
      rows.map(({ row, result: { command, seconds } }) => [row.name, `\`${command}\``, `${seconds} s`]),
    ),
  ].join("\n\n");
}

/** Whether any row tells what was reached after epochs. */
export function hasCurve(results: readonly TaskResult[]): boolean {
  return results.some(({ figures: { epochs } }) => epochs.filter((value) => value !== null).length > 1);
}

/** The places of the metrics that have a column. */
function shownOf({ columns }: TaskPage, { metrics }: TaskFigures): readonly number[] {
  const all = [...metrics.keys()];
  return columns === undefined ? all.slice(0, MOST_METRICS) : all.filter((i) => columns.includes(metrics[i].name));
}

function headings({ metrics }: TaskFigures, shown: readonly number[]): readonly string[] {
  return [
    "",
    ...shown.map((i) => metrics[i].name),
    "change, 95 %; p",
    "ms (of float)",
    "KB (of float)",
  ];
}

interface Run {
  readonly row: TaskRow;
  readonly result: TaskResult;
}

/** The float models on the way that no other row has, then the row itself. */
function cellsOf({ row, result: { figures } }: Run, shown: readonly number[]): readonly (readonly string[])[] {
  const { metrics, steps, latencyMs, bytes } = figures;
  const of = (values: readonly (number | null)[]) => shown.map((i) => valueOf(values[i] ?? null, metrics[i]));
  const told = row.isFloat ? ["swapped"] : row.command === "qat" ? ["control"] : [];
  const before = told.flatMap((step) =>
    steps[step] === undefined ? [] : [[STEPS[step], ...of(steps[step]), "", "", ""]]
  );
  const { change } = metrics[0];
  const own = [
    row.what,
    ...of(metrics.map(({ reached }) => reached)),
    change === null || row.isFloat
      ? ""
      : `${signed(change.low, metrics[0])} to ${signed(change.high, metrics[0])}; ${change.p.toFixed(2)}`,
    latencyMs === null || row.isFloat
      ? ""
      : `${latencyMs.deployed.toFixed(2)} (${(latencyMs.deployed / latencyMs.float).toFixed(2)})`,
    bytes === null || row.isFloat ? "" : `${kilobytes(bytes.deployed)} (${(bytes.deployed / bytes.float).toFixed(2)})`,
  ];
  return [...before, own];
}

const STEPS: Readonly<Record<string, string>> = { swapped: "activations swapped, not adapted", control: "its control" };

/** The mean over seeds of training, and of what it is against. */
function meansOf(page: TaskPage, results: readonly TaskResult[]): readonly string[] {
  const families = Map.groupBy(page.rows.filter(({ name }) => /-qat-\d+$/.test(name)), ({ from }) => from ?? "");
  return [...families].flatMap(([from, own]) => {
    const found = own.flatMap(({ name }) => results.find(({ row }) => row === name) ?? []);
    if (found.length < 2) return [];
    const lines = shownOf(page, found[0].figures).map((i) => {
      const metric = found[0].figures.metrics[i];
      const mean = (of: "reached" | "float") => meanOf(found.map(({ figures: { metrics } }) => metrics[i][of]));
      return `${metric.name} ${valueOf(mean("reached"), metric)} against ${
        valueOf(mean("float"), metric)
      } of the controls`;
    });
    return [`Mean of ${found.length} seeds of \`${from}\`: ${lines.join("; ")}.`];
  });
}

/** The mean of numbers; null if one is missing. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length || known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}

function valueOf(value: number | null, { unit }: { readonly unit: string }): string {
  return value === null ? "n/a" : formatMetric(value, { unit });
}

function signed(value: number, { unit }: { readonly unit: string }): string {
  const size = unit === "fraction"
    ? Math.abs(100 * value).toFixed(2)
    : Number(Math.abs(value).toPrecision(3)).toString();
  return `${value < 0 ? "−" : "+"}${size}`;
}

function kilobytes(bytes: number): string {
  return Math.round(bytes / 1000).toLocaleString("en");
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function origin(results: readonly Origin[]): string {
  const listed = (texts: readonly string[]) => [...new Set(texts)].join(", ");
  return `Commit ${listed(results.map(({ commit }) => commit))}; ${listed(results.map(({ machine }) => machine))}; ` +
    `${listed(results.map(({ date }) => date))}.`;
}

/** The marks around the part of a page, by the command that writes it. */
export const TASK_MARKS = { ...MARKS, start: "<!-- results: written by `deno task results tasks` -->" } as const;

/** A page of which nobody has written anything yet. */
export function emptyPage({ name }: TaskPage): string {
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return `# ${title}\n\n## What came out\n\n${TASK_MARKS.start}\n\n${TASK_MARKS.end}\n`;
}

/** Reads what a run has left: report.json, and metrics.csv where there is one. Both are somebody's files. */
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { type PairingReport, SCHEMA } from "../../report/schema.ts";
import type { IntervalReport, Measured } from "../../report/schema_metrics.ts";
import { exists } from "../../src/io/disk.ts";
import { describeFailure } from "../../src/io/errors.ts";
import { readTextWithin } from "../../src/io/read.ts";
import { Fields } from "../../src/text/fields.ts";
import { parseJson } from "../../src/text/json.ts";
import { showValue } from "../../src/text/plain.ts";

/** A run as it is compared. */
export interface ReadRun {
  /** As it was given. */
  readonly name: string;
  readonly job: "qat" | "ptq";
  readonly task: string;
  readonly metrics: readonly ReadMetric[];
  readonly options: ReadonlyMap<string, string>;
  readonly pairing?: PairingReport;
  readonly latencyMs?: { readonly float: number; readonly file: number };
  readonly bytes?: { readonly float: number; readonly file: number };
  readonly machine?: string;
  readonly command?: string;
  readonly epochs: readonly ReadEpoch[];
}

/** A metric of a run. */
export interface ReadMetric {
  readonly name: string;
  readonly output: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly float: Measured;
  readonly value: Measured;
  readonly count: number;
  readonly interval?: IntervalReport;
}

/** What is known of a run after an epoch. */
export interface ReadEpoch {
  readonly loss: Measured;
  /** Of the run's first metric, on the validation samples. */
  readonly metric: Measured;
}

/** Most bytes of a file that is read. */
const MOST_BYTES = 2 ** 27;

/**
 * Reads the run in a folder.
 *
 * @throws {RangeError} If there is none, or it is damaged.
 */
export async function readRun(name: string): Promise<ReadRun> {
  const cannot = `Cannot compare ${showValue(name)}`;
  const report = new Fields(await readReport(name, cannot), cannot, "report.json");
  const schema = report.value("schema");
  if (schema !== SCHEMA) {
    throw new RangeError(`${cannot}: its report.json has the schema ${showValue(schema)}, needed is ${SCHEMA}`);
  }
  const task = report.object("task").text("name");
  const metrics = report.objects("metrics").map(readMetric);
  if (metrics.length === 0) {
    throw new RangeError(
      `${cannot}: nothing in it was judged by what should have been answered, a run with --data is needed`,
    );
  }
  return {
    name,
    job: report.has("ptq") ? "ptq" : "qat",
    task,
    metrics,
    options: readOptions(report),
    ...readPairing(report),
    ...readFiles(report),
    ...textOf(report, "machine"),
    ...textOf(report, "command"),
    epochs: await readEpochs(name, { report, metrics, cannot }),
  };
}

async function readReport(name: string, cannot: string): Promise<unknown> {
  const path = join(name, "report.json");
  if (!exists(path)) {
    const begun = exists(join(name, "run", "run.json")) ? "the run in it has not ended" : "there is no report.json";
    throw new RangeError(`${cannot}: ${begun}, the folder of a run that has ended is needed`);
  }
  try {
    return parseJson(await readTextWithin(path, { most: MOST_BYTES }));
  } catch (cause) {
    throw new RangeError(`${cannot}: its report.json cannot be read: ${describeFailure(cause)}`, { cause });
  }
}

function readMetric(metric: Fields): ReadMetric {
  const form = metric.has("deployed") ? "deployed" : "simulated";
  const interval = metric.has("intervals") && metric.object("intervals").has(form)
    ? metric.object("intervals").object(form)
    : undefined;
  return {
    name: metric.text("name"),
    output: metric.text("output"),
    unit: metric.text("unit"),
    better: metric.text("better", ["higher", "lower"]),
    float: metric.measured("float"),
    value: metric.measured(form),
    count: metric.number("count", { least: 0, most: Number.MAX_SAFE_INTEGER }),
    ...(interval === undefined ? {} : {
      interval: {
        low: interval.number("low"),
        high: interval.number("high"),
        confidence: interval.number("confidence", { least: 0, most: 1 }),
      },
    }),
  };
}

/** Options that say where results went, and nothing of what they are. */
const NOT_TOLD = ["out", "debug", "checkpointMinutes"];

function readOptions(report: Fields): ReadonlyMap<string, string> {
  if (!report.has("options")) return new Map();
  const entries = Object.entries(report.object("options").values)
    .filter(([key, value]) => !NOT_TOLD.includes(key) && ["string", "number", "boolean"].includes(typeof value));
  return new Map(entries.map(([key, value]) => [key, String(value)]));
}

function readPairing(report: Fields): Pick<ReadRun, "pairing"> {
  if (!report.has("pairing")) return {};
  const pairing = report.object("pairing");
  return {
    pairing: {
      samples: pairing.text("samples"),
      count: pairing.number("count", { least: 1, most: 2 ** 31 }),
      kind: pairing.text("kind", ["hits", "draws"]),
      bytes: pairing.text("bytes"),
    },
  };
}

function readFiles(report: Fields): Pick<ReadRun, "latencyMs" | "bytes"> {
  const read = (key: "latencyMs" | "bytes", numberOf: (of: Fields, side: "float" | "deployed") => number) => {
    if (!report.has(key)) return {};
    const of = report.object(key);
    return { [key]: { float: numberOf(of, "float"), file: numberOf(of, "deployed") } };
  };
  return {
    ...read("latencyMs", (of, side) => of.object(side).number("p50")),
    ...read("bytes", (of, side) => of.number(side)),
  };
}

function textOf<K extends "machine" | "command">(report: Fields, key: K): Partial<Record<K, string>> {
  return report.has(key) ? { [key]: report.text(key) } as Partial<Record<K, string>> : {};
}

interface EpochSource {
  readonly report: Fields;
  readonly metrics: readonly ReadMetric[];
  readonly cannot: string;
}

/** Of all stages by metrics.csv; without one, those of quantization-aware training by the report. */
async function readEpochs(name: string, { report, metrics, cannot }: EpochSource): Promise<readonly ReadEpoch[]> {
  const path = join(name, "metrics.csv");
  if (exists(path)) return await readTable(path, { metrics, cannot });
  if (!report.has("train")) return [];
  return report.object("train").objects("epochs").map((epoch) => {
    const [first] = epoch.has("metrics") ? epoch.objects("metrics") : [];
    return {
      loss: epoch.measured("loss"),
      metric: first === undefined ? null : first.measured(first.has("deployed") ? "deployed" : "simulated"),
    };
  });
}

/** The models that a metric is measured of after an epoch, the one that counts first. */
const MODELS = ["deployed", "simulated", "float"];

async function readTable(
  path: string,
  { metrics, cannot }: Pick<EpochSource, "metrics" | "cannot">,
): Promise<readonly ReadEpoch[]> {
  let rows: readonly Readonly<Record<string, string>>[];
  try {
    rows = parse(await readTextWithin(path, { most: MOST_BYTES }), {
      columns: true,
      bom: true,
      skip_empty_lines: true,
    });
  } catch (cause) {
    throw new RangeError(`${cannot}: its metrics.csv cannot be read: ${describeFailure(cause)}`, { cause });
  }
  const several = new Set(metrics.map(({ output }) => output)).size > 1;
  const [{ name, output }] = metrics;
  const judged = several ? `${output} ${name}` : name;
  return rows.map((row) => ({
    loss: numberIn(row["training loss"]),
    metric: MODELS.map((model) => numberIn(row[`${model} ${judged}`])).find((value) => value !== null) ?? null,
  }));
}

function numberIn(text: string | undefined): Measured {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

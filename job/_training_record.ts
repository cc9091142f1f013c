/**
 * What a run tells of its epochs to other programs: metrics.csv, and event files for TensorBoard.
 *
 * Both are made of what the checkpoints of the stages hold, so that a run that was killed, any number of times, has neither
 * lost nor doubled an epoch. While training goes on they lie in `run/log/`; the results have them too, all at once with
 * the others. See docs/design/training_record.md.
 */
import { joinBytes } from "../src/numbers/bytes.ts";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../src/io/atomic.ts";
import { disk } from "../src/io/disk.ts";
import { OutputError } from "../src/io/errors.ts";
import { encodeEvent, encodeHeader } from "../src/tensorboard/event_file.ts";
import type { BoundTask } from "../tasks/task.ts";
import type { JobFile } from "./_outputs.ts";
import { EVENT_FILES, METRICS_FILE } from "./_outputs.ts";
import type { EpochMetric, StageEpoch } from "./_stage_epoch.ts";
import type { StageName } from "./events.ts";

/** By what models a task is judged after epochs. */
const MODELS = ["float", "simulated", "deployed"] as const;

/** An epoch, as the record takes it. */
type Row = StageEpoch;

/** Where the record goes. */
export interface RecordPlace {
  /** A folder of the record's own; it need not be there. */
  readonly dir: string;
  /** Told once where the record cannot be written; training goes on. */
  readonly onFailure: (message: string) => void;
}

/** The epochs of all stages of a run. */
export class TrainingRecord {
  readonly #place: RecordPlace;
  readonly #columns: readonly Column[];
  readonly #counted: readonly string[];
  readonly #judged: readonly string[];
  readonly #stages = new Map<StageName, readonly Row[]>();
  /** Epochs that are in the event file of a stage, as this process wrote it. */
  readonly #written = new Map<StageName, number>();
  #hasFailed = false;

  /** @param task Names what is counted while training, and what is judged after epochs. */
  constructor(place: RecordPlace, task: BoundTask) {
    this.#place = place;
    this.#counted = countedBy(task);
    this.#judged = judgedBy(task);
    this.#columns = columnsOf(this.#counted, this.#judged);
  }

  /** Takes the epochs of a stage so far. */
  set(stage: StageName, epochs: readonly StageEpoch[]): void {
    this.#stages.set(stage, [...epochs]);
  }

  /** Writes what there is to say since the last time. */
  write(stage: StageName): void {
    if (this.#hasFailed) return;
    try {
      writeAnew(join(this.#place.dir, METRICS_FILE), this.#table());
      this.#writeEvents(stage);
    } catch (error) {
      if (!(error instanceof OutputError)) throw error;
      this.#hasFailed = true;
      this.#place.onFailure(error.message);
    }
  }

  /** Lists the files of a run that has ended. */
  files(): readonly JobFile[] {
    const events = [...this.#stages].map(([stage, rows]) => ({
      path: EVENT_FILES[stage],
      what: `the epochs of "${stage}", for TensorBoard`,
      bytes: joinBytes([header(rows), ...rows.map((row) => this.#event(row))]),
    }));
    return [{ path: METRICS_FILE, what: "all epochs as a table", bytes: this.#table() }, ...events];
  }

  #writeEvents(stage: StageName): void {
    const rows = this.#stages.get(stage) ?? [];
    const path = join(this.#place.dir, EVENT_FILES[stage]);
    const before = this.#written.get(stage);
    // A TensorBoard that watches has the file open: it sees what is added, and nothing of another file of that name.
    if (before === undefined) writeAnew(path, joinBytes([header(rows), ...rows.map((row) => this.#event(row))]));
    else append(path, joinBytes(rows.slice(before).map((row) => this.#event(row))));
    this.#written.set(stage, rows.length);
  }

  #event(row: Row): Uint8Array {
    const scalars: Record<string, number> = { "loss/training": row.loss };
    row.metrics.forEach(({ value }, i) => scalars[`${this.#counted[i]}/training`] = value);
    for (const model of MODELS) {
      row[model]?.forEach(({ value }, i) => scalars[`${this.#judged[i]}/${model}`] = value);
    }
    if (row.learningRate !== undefined) scalars.learning_rate = row.learningRate;
    return encodeEvent({ wallTime: row.endedAt / 1000, step: row.epoch, scalars });
  }

  #table(): string {
    const lines = [...this.#stages].flatMap(([stage, rows]) =>
      rows.map((row) => this.#columns.map(({ of }) => of(row, stage)))
    );
    const head = this.#columns.map(({ name }) => name);
    // By RFC 4180 lines end so, the last one too.
    return [head, ...lines].map((cells) => `${cells.map(quoteCell).join(",")}\r\n`).join("");
  }
}

function writeAnew(path: string, content: Uint8Array | string): void {
  attempt(path, () => disk.makeFolder(dirname(path)));
  writeFileAtomic(path, content);
}

function append(path: string, bytes: Uint8Array): void {
  attempt(path, () => disk.append(path, bytes));
}

function attempt(path: string, operation: () => void): void {
  try {
    operation();
  } catch (cause) {
    throw OutputError.at(path, cause);
  }
}

function header(rows: readonly Row[]): Uint8Array {
  return encodeHeader((rows.at(0)?.endedAt ?? 0) / 1000);
}

/** A column of the table. */
interface Column {
  readonly name: string;
  /** What stands in it; undefined where nothing was measured. */
  readonly of: (row: Row, stage: StageName) => string | number | undefined;
}

/** The same for every row of a run, whatever its stage. */
function columnsOf(counted: readonly string[], judged: readonly string[]): readonly Column[] {
  const valueAt = (values: readonly Pick<EpochMetric, "value">[] | undefined, i: number) => values?.[i]?.value;
  return [
    { name: "stage", of: (_, stage) => stage },
    { name: "epoch", of: ({ epoch }) => epoch },
    { name: "learning_rate", of: ({ learningRate }) => learningRate },
    { name: "training loss", of: ({ loss }) => loss },
    ...counted.map((name, i) => ({ name: `training ${name}`, of: ({ metrics }: Row) => valueAt(metrics, i) })),
    ...MODELS.flatMap((model) =>
      judged.map((name, i) => ({ name: `${model} ${name}`, of: (row: Row) => valueAt(row[model], i) }))
    ),
  ];
}

/** Names what heads count while they train, with their outputs where there are several. */
function countedBy({ heads }: BoundTask): readonly string[] {
  const all = Object.entries(heads);
  return all.flatMap(([output, { running }]) =>
    running === undefined ? [] : [all.length === 1 ? running.name : `${output} ${running.name}`]
  );
}

/** Names metrics, with their outputs where there are several. */
function judgedBy({ metrics }: BoundTask): readonly string[] {
  const isOne = new Set(metrics.map(({ output }) => output)).size <= 1;
  return metrics.map(({ name, output }) => isOne ? name : `${output} ${name}`);
}

function quoteCell(value: string | number | undefined): string {
  if (value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

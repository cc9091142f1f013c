/** `deno task sweep`: a job over a grid of its options. */
import { Command } from "commander";
import { createProgress, formatSweep, sweep as runSweep, type SweepOptions } from "../mod.ts";
import { parseFlags, type Printing, WEIGHT_SCALES, weightScales } from "./_options.ts";
import { ptqCommand } from "./ptq.ts";
import { qatCommand } from "./qat.ts";
import { EXIT, runCommand } from "./_run.ts";
import { epochEvents, fitTerminal, isDumb, printJson, terminalOptions } from "./_terminal.ts";

/** The jobs, with their flags. */
const JOBS = { qat: qatCommand, ptq: ptqCommand } as const;

type JobName = keyof typeof JOBS;

type Flags = Printing & Pick<SweepOptions, "over" | "grid" | "out" | "overwrite"> & {
  readonly perTensor?: boolean;
  readonly perChannel?: boolean;
  readonly dryRun?: boolean;
  readonly resume?: string;
};

const EXAMPLES = `
Examples:
  deno task sweep qat --model model.json --data folder:photos --over lr=1e-4,5e-4 --over epochs=2,4
  deno task sweep ptq --model model.json --data folder:photos --over observer=default,mse,moving-average
  deno task sweep ptq --model model.json --data folder:photos --grid rows.json

Values stand between commas; "default" leaves an option out, flags are true or false, names in a list are joined by +
(keep-float=none,kind:Add+kind:relu,stage:last). A file has {"over": {"lr": [1e-4, 5e-4]}}, or rows by themselves:
{"rows": [{"name": "plain"}, {"name": "smooth", "options": {"smooth": true, "smooth-alpha": 0.7}}]}.

Written to --out: a folder for each row, sweep.html, sweep.csv and sweep.json. The same command goes on with a sweep that
was stopped or killed.
`;

/** Runs the rows and prints the table. */
export async function sweep(args: readonly string[]): Promise<void> {
  const [of = "", ...rest] = args;
  if (of !== "qat" && of !== "ptq") return refuseJob(args);
  const {
    over,
    grid,
    out,
    overwrite,
    perTensor,
    perChannel,
    dryRun: _,
    resume: __,
    quiet = false,
    json = false,
    debug = false,
    ...options
  } = parseFlags<Flags>(sweepCommand(of), rest, [WEIGHT_SCALES]);
  const print = json ? console.error : console.log;
  const progress = createProgress({ quiet, plain: isDumb() });
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  const own = Object.fromEntries(
    Object.entries({ over, grid, out, overwrite }).filter(([, value]) => value !== undefined),
  );
  const base = { ...options, ...weightScales({ perChannel, perTensor }), ...(debug ? { debug } : {}) };
  await runCommand(async (signal) => {
    const report = await runSweep({ of, options: base, ...own }, {
      ...log,
      ...epochEvents(progress),
      signal,
    });
    if (json) printJson(report);
    else if (!quiet) console.log(`\n${formatSweep(report, terminalOptions())}`);
  }, {
    debug,
    stop: () => progress.stop(),
    onStopped: () => "Stopped. The same command goes on where it was.",
  });
}

/** Flags of a job that a sweep has no use for. */
const LEFT = ["--dry-run", "--resume", "--checkpoint-minutes", "--out", "--overwrite"];

/** The flags of a sweep over `of`: those of the job, and its own. */
export function sweepCommand(of: JobName): Command {
  const job = JOBS[of]();
  const command = new Command(`deno task sweep ${of}`)
    .description(`Runs ${of} for each row of a grid of its options, and tells which row is the best.`)
    .usage("--over <option=values> [options]")
    .optionsGroup("Grid:")
    .option("--over <axes...>", "options and the values that they have in turn: lr=1e-4,5e-4")
    .option("--grid <file>", "a JSON file with rows, in place of --over")
    .option("--out <dir>", "where the results go (default: out/sweep)")
    .option("--overwrite", "begin anew where --out has another sweep");
  for (const option of job.options) if (!LEFT.includes(option.long ?? "")) command.addOption(option);
  return command.addHelpText("after", EXAMPLES);
}

/** Prints the help that was asked for, or which jobs there are. */
function refuseJob(args: readonly string[]): void {
  const command = new Command("deno task sweep")
    .description("Runs qat or ptq for each row of a grid of their options, and tells which row is the best.")
    .usage("qat|ptq --over <option=values> [options]")
    .addHelpText("after", EXAMPLES);
  if (args.some((arg) => arg === "--help" || arg === "-h")) return void parseFlags(command, ["--help"]);
  console.error(
    "error: Cannot sweep: the first word must be qat or ptq, as in deno task sweep qat --over lr=1e-4,5e-4",
  );
  Deno.exit(EXIT.usage);
}

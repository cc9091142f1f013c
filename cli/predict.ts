/** `deno task predict`: what an exported file answers to pictures. */
import { Command } from "commander";
import {
  createProgress,
  describeAnswer,
  predict as predictPictures,
  type Prediction,
  type PredictOptions,
} from "../mod.ts";
import { addPrinting, number, parseFlags, type Printing } from "./_options.ts";
import { runCommand } from "./_run.ts";
import { fitTerminal, isDumb, printJson } from "./_terminal.ts";

type Flags = Omit<PredictOptions, "pictures"> & Printing;

/** Where pictures go that were given no folder. */
const DEFAULT_OUT = "out/predict";

const EXAMPLES = `
Examples:
  deno task predict --model out photos/cat.jpg photos/dog.jpg
  deno task predict --model model.int8.onnx photos --out found --json

Written to --out: a copy of each picture with the answer drawn onto it (NAME.png); of segmentation also the class of each
pixel (NAME.mask.png). How pictures go in, and what answers mean, is told by the file itself.
Points are looked for in the picture as it is: crop it as training pictures were, to the box of the points and 20 % more.
`;

/** Answers to pictures, draws the answers and prints them. */
export async function predict(args: readonly string[]): Promise<void> {
  const command = predictCommand();
  const { quiet = false, json = false, debug = false, ...options } = parseFlags<Flags>(command, args);
  const progress = createProgress({ quiet, plain: isDumb() });
  const print = json ? console.error : console.log;
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  const out = options.draw === false ? {} : { out: options.out ?? DEFAULT_OUT };
  await runCommand(async (signal) => {
    const predictions = await predictPictures({ ...options, ...out, pictures: command.args }, {
      ...log,
      onWork: progress.work.bind(progress),
      signal,
    });
    progress.stop();
    if (json) return printJson(predictions.map(withoutPixels));
    if (quiet) return;
    for (const prediction of predictions) console.log(fitTerminal(linesOf(prediction).join("\n")));
  }, { debug, stop: () => progress.stop(), onStopped: () => "Stopped; pictures that were drawn are in their folder." });
}

/** The flags of `predict`, with their help. */
export function predictCommand(): Command {
  const command = new Command("deno task predict")
    .description("Answers to pictures with an exported file, and draws what it finds onto copies of them.")
    .usage("--model <path> <pictures...> [options]")
    .argument("[pictures...]", "JPEG or PNG files, and folders of such")
    .optionsGroup("Model:")
    .option("--model <path>", "the exported file, or the folder of the job that wrote it")
    .option(
      "--score-threshold <n>",
      "leave out things and labels that are less sure (default: as the file says)",
      number,
    )
    .option(
      "--nms-iou <n>",
      "of boxes of a class that overlap by more the surest is told (default: as the file says)",
      number,
    )
    .option("--threads <n>", "threads of ONNX Runtime (default: its choice)", number)
    .option("--precise", "run on exact kernels where this CPU's saturate (x86 without VNNI)")
    .option("--skip-bad-images", "leave out pictures that cannot be read")
    .optionsGroup("Output:")
    .option("--out <dir>", `where the copies go (default: ${DEFAULT_OUT})`)
    .option("--overwrite", "replace copies that are there already")
    .option("--no-draw", "draw nothing, print only");
  return addPrinting(command).addHelpText("after", EXAMPLES);
}

function linesOf({ file, drawn, answers }: Prediction): readonly string[] {
  const [first = "", ...rest] = answers.flatMap(describeAnswer).map(({ text }) => text);
  const lines = rest.length === 0
    ? [`${file}: ${first}`]
    : [`${file}:`, ...[first, ...rest].map((text) => `  ${text}`)];
  return drawn === undefined ? lines : [...lines, `  → ${drawn}`];
}

/** Classes of pixels are in a file of their own. */
function withoutPixels({ answers, ...prediction }: Prediction): object {
  return {
    ...prediction,
    answers: answers.map((answer) => {
      if (answer.kind !== "mask") return answer;
      const { mask: _, ...told } = answer;
      return told;
    }),
  };
}

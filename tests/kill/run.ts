/**
 * `deno task kill`: kills a job again and again, lets it go on, and holds what it leaves to a job that nobody disturbed.
 *
 * Every second kill comes at a random moment, the others at a random operation on the disk: before it, midway or after
 * it. With `--detector` it is a detector that is trained. A job that ends is compared and begun anew, until there were as many kills as were asked for.
 */
import { parseArgs } from "node:util";
import { smallDetector } from "../../job/_test_detector.ts";
import { tinyModel } from "../../job/_test_support.ts";
import { saveLayersModel } from "../../models/import/layers_model.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { Random } from "../../src/numbers/random.ts";
import { differences } from "./_compare.ts";

const { values } = parseArgs({
  options: { times: { type: "string" }, seed: { type: "string" }, detector: { type: "boolean" } },
});
const [TIMES, SEED] = [Number(values.times ?? 100), Number(values.seed ?? 0)];
if (!(Number.isInteger(TIMES) && TIMES > 0) || !Number.isInteger(SEED)) {
  console.error("error: --times and --seed take whole numbers");
  Deno.exit(2);
}

const VICTIM = new URL("victim.ts", import.meta.url).pathname;
/** Every stage there is, of few steps, with a state after each. */
const JOB =
  "--model in --control --float-epochs 1 --epochs 3 --limit 24 --batch-size 8 --threads 1 --quiet --out out " +
  "--checkpoint-minutes 0.000001 --patience 1 --schedule step --warmup-epochs 0.5 --weight-decay 0.01 --clip-norm 1 " +
  "--ema 0.9 --class-weights balanced";
/** What sets a detector's job apart: several outputs that learn together, and a threshold chosen on validation samples. */
const DETECTOR = "--task detection --data generated:shapes --swap none";
const ARGUMENTS = values.detector
  ? [...JOB.replace(" --class-weights balanced", "").split(" "), ...DETECTOR.split(" ")]
  : JOB.split(" ");
const WHEN = ["before", "midway", "after"];

/** How a process ended. */
interface End {
  readonly code: number;
  readonly wasKilled: boolean;
  readonly errors: string;
  readonly ms: number;
}

/** When a process is to die: in so many ms, at an operation, or never. */
type Fate = { readonly ms: number } | { readonly operation: number; readonly when: string } | undefined;

async function start(cwd: string, args: readonly string[], fate: Fate): Promise<End> {
  const [operation, when] = fate !== undefined && "operation" in fate ? [fate.operation, fate.when] : [-1, "never"];
  const began = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", "--allow-ffi", "--allow-run", "--ignore-env", VICTIM]
      .concat(`${operation}`, when, args),
    cwd,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const timer = fate !== undefined && "ms" in fate ? setTimeout(() => child.kill("SIGKILL"), fate.ms) : undefined;
  const { code, signal, stderr } = await child.output();
  clearTimeout(timer);
  return {
    code,
    wasKilled: signal === "SIGKILL",
    errors: new TextDecoder().decode(stderr),
    ms: performance.now() - began,
  };
}

async function makeFolder(root: string, name: string): Promise<string> {
  const dir = `${root}/${name}`;
  Deno.mkdirSync(dir);
  await saveLayersModel(values.detector ? smallDetector() : tinyModel({ activation: "leaky" }), `${dir}/in`);
  return dir;
}

/** Goes on where there is something to go on with, and begins where there is not. */
function argumentsIn(dir: string): readonly string[] {
  try {
    Deno.statSync(`${dir}/out/run/run.json`);
    return ["--resume", "out", "--quiet"];
  } catch {
    return ARGUMENTS;
  }
}

function fail(what: string): never {
  console.error(`error: ${what}`);
  Deno.exit(1);
}

await registerBackend();
const root = Deno.makeTempDirSync();
const whole = await makeFolder(root, "whole");
const undisturbed = await start(whole, ARGUMENTS, undefined);
const operations = Number(/operations: (\d+)/.exec(undisturbed.errors)?.[1]);
if (undisturbed.code !== 0 || Number.isNaN(operations)) fail(`the job itself fails: ${undisturbed.errors}`);
console.log(`A job of ${Math.round(undisturbed.ms)} ms and ${operations} operations on the disk.`);

const random = new Random(SEED, []);
const kills = { moment: 0, before: 0, midway: 0, after: 0 };
let [killed, ended, processes] = [0, 0, 0];
for (let number = 0; killed < TIMES || ended === 0; number++) {
  const dir = await makeFolder(root, `${number}`);
  for (let over = false; !over; processes++) {
    const when = WHEN[random.below(WHEN.length)];
    const fate: Fate = killed >= TIMES
      ? undefined
      : processes % 2 === 0
      ? { ms: random.below(Math.ceil(undisturbed.ms)) }
      // A process that goes on has fewer before it.
      : { operation: random.below(killed % 3 === 0 ? operations : Math.ceil(operations / 4)), when };
    const end = await start(dir, argumentsIn(dir), fate);
    if (end.wasKilled) {
      killed++;
      kills[fate !== undefined && "when" in fate ? when as keyof typeof kills : "moment"]++;
      continue;
    }
    if (end.code !== 0) fail(`seed ${SEED}, job ${number}, after ${killed} kills: ${end.errors} (in ${dir})`);
    over = true;
    ended++;
    const different = differences(`${whole}/out`, `${dir}/out`);
    if (different.length > 0) fail(`seed ${SEED}, job ${number}: ${different.join(", ")} differ (in ${dir})`);
    Deno.removeSync(dir, { recursive: true });
  }
}
Deno.removeSync(root, { recursive: true });
const { moment, before, midway, after } = kills;
console.log(
  `${killed} kills (${moment} at random moments; before ${before}, midway ${midway}, after ${after} operations), ` +
    `${ended} jobs ended, all with the files and the report of the one that was not killed.`,
);

/**
 * The process that runs cases: the driver kills it where one hangs, and starts another.
 *
 * Arguments: a folder for its files, and the seed. It reads lines "READER FROM COUNT" from standard input, and prints a line
 * of JSON for each case when it is done.
 */
import process from "node:process";
import { plainLine } from "../../src/text/plain.ts";
import { Random } from "../../src/numbers/random.ts";
import { type CaseMaker, type CaseReport, judge, linesOf, type Verdict } from "./_case.ts";
import { READERS } from "./readers/mod.ts";

const INHERITED = process.resourceUsage().maxRSS;

const makers = new Map<string, CaseMaker>();
/** What TF.js and the libraries below it print is nobody's message. */
const print = console.log;
console.log =
  console.warn =
  console.error =
  console.info =
    () => {};

if (import.meta.main) {
  const [dir, seed] = Deno.args;
  print("ready");
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [name, from, count] = line.split(" ");
    const reader = READERS.findIndex((reader) => reader.name === name);
    const maker = makers.get(name) ?? await start(reader, dir);
    print("prepared");
    for (let i = 0; i < Number(count); i++) {
      const index = Number(from) + i;
      print(JSON.stringify(await runCase(maker, { random: new Random(Number(seed), [reader, index]), index })));
    }
  }
}

/** Runs one case. */
async function runCase(
  maker: CaseMaker,
  { random, index }: { readonly random: Random; readonly index: number },
): Promise<CaseReport> {
  const before = performance.now();
  let verdict: Verdict;
  try {
    verdict = await judge(await maker(random));
  } catch (error) {
    verdict = { outcome: "fault", because: `the harness makes no case: ${Deno.inspect(error)}` };
  }
  const ms = Math.round(performance.now() - before);
  // Reports are lines, and faults of hundreds of megabytes are faults as well.
  const because = verdict.outcome === "fault" ? verdict.because.slice(0, 4000) : plainLine(verdict.because, 300);
  return { ...verdict, because, index, ms, peak: peakMebibytes() };
}

/** The most memory of the process, which Linux counts from before it was this program: what its parent had by then. */
function peakMebibytes(): number {
  const { maxRSS } = process.resourceUsage();
  const own = maxRSS > INHERITED ? maxRSS : process.memoryUsage().rss / 1024;
  return Math.round(own / 1024);
}

async function start(reader: number, dir: string): Promise<CaseMaker> {
  const { name, load } = READERS[reader];
  const { prepare } = await load();
  const own = `${dir}/${name}`;
  await Deno.remove(own, { recursive: true }).catch(() => {});
  await Deno.mkdir(own, { recursive: true });
  const maker = await prepare(own);
  makers.set(name, maker);
  return maker;
}

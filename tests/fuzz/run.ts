/**
 * Feeds damaged input to every reader, and asks of each case: is something whole made of it, or is it refused in one line?
 *
 * Usage: `deno task fuzz [--seconds N] [--cases N] [--seed S] [--only READER] [--from I]`. Each case runs in a process of its
 * own making, which is killed where a case takes too long or too much memory. A fault is printed with the line that runs its
 * case again. Exits with 1 if there is any.
 */
import { parseArgs } from "node:util";
import { checkChoice } from "../../src/text/nearest.ts";
import { plainText } from "../../src/text/plain.ts";
import { type Limits, WorkerProcess } from "./_process.ts";
import { READERS } from "./readers/mod.ts";
import type { CaseReport } from "./_case.ts";

/** What one case may take. */
const LIMITS: Limits = { seconds: 10, mebibytes: 1000 };

/** Cases between two looks at the clock; a reader of weight 1 gets a tenth. */
const ROUND = 200;

interface Counts {
  accepted: number;
  refused: number;
  fault: number;
  slowest: number;
}

interface Plan {
  readonly seconds: number;
  readonly cases: number;
  readonly seed: number;
  readonly from: number;
  readonly readers: readonly { readonly name: string; readonly weight: number }[];
}

function readPlan(): Plan {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: Deno.args,
    options: { seconds: text, cases: text, seed: text, only: text, from: text },
  });
  const whole = (name: "seconds" | "cases" | "seed" | "from", otherwise: number) => {
    const given = values[name];
    if (given === undefined || /^\d{1,15}$/.test(given)) return Number(given ?? otherwise);
    throw new RangeError(`Cannot use --${name} ${plainText(given)}: a whole number is needed`);
  };
  const only = values.only === undefined
    ? undefined
    : checkChoice(values.only, { of: READERS.map(({ name }) => name), cannot: `Cannot fuzz "${values.only}"` });
  return {
    seconds: whole("seconds", values.cases === undefined ? 60 : Infinity),
    cases: whole("cases", Infinity),
    seed: whole("seed", 0),
    from: whole("from", 0),
    readers: READERS.filter(({ name }) => only === undefined || name === only),
  };
}

/** Feeds all readers in turn until time or cases are used up. */
class Driver {
  readonly counts = new Map<string, Counts>();
  readonly #plan: Plan;
  readonly #dir = Deno.makeTempDirSync({ dir: "/tmp", prefix: "qat_fuzz_" });
  readonly #next = new Map<string, number>();
  #worker: WorkerProcess | undefined;
  #total = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async run(): Promise<void> {
    const end = performance.now() + this.#plan.seconds * 1000;
    try {
      while (performance.now() < end && this.#total < this.#plan.cases) {
        for (const { name, weight } of this.#plan.readers) {
          const count = Math.min(Math.ceil(weight * ROUND / 10), this.#plan.cases - this.#total);
          if (count > 0 && performance.now() < end) await this.#feed(name, count);
        }
      }
    } finally {
      await this.#worker?.kill();
      Deno.removeSync(this.#dir, { recursive: true });
    }
  }

  async #feed(name: string, count: number): Promise<void> {
    const from = this.#next.get(name) ?? this.#plan.from;
    let done = 0;
    while (done < count) {
      const worker = await this.#start();
      for await (const report of worker.run(name, { from: from + done, count: count - done })) {
        this.#count(name, report);
        done++;
      }
      // It has ended, or is to end, where it did not run all.
      if (done < count) await this.#stop();
    }
    this.#next.set(name, from + count);
    this.#total += count;
  }

  #count(name: string, { outcome, because, index, ms }: CaseReport): void {
    const counts = this.counts.get(name) ?? { accepted: 0, refused: 0, fault: 0, slowest: 0 };
    counts[outcome]++;
    counts.slowest = Math.max(counts.slowest, ms);
    this.counts.set(name, counts);
    if (outcome !== "fault") return;
    console.log(`\nFAULT in ${name}: ${because.split("\n").map(plainText).join("\n  ")}`);
    console.log(`  deno task fuzz --only ${name} --seed ${this.#plan.seed} --from ${index} --cases 1`);
  }

  async #start(): Promise<WorkerProcess> {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new WorkerProcess({ dir: this.#dir, seed: this.#plan.seed, limits: LIMITS });
    if (!await worker.isReady()) throw new Error("Cannot fuzz: the worker does not start");
    this.#worker = worker;
    return worker;
  }

  async #stop(): Promise<void> {
    await this.#worker?.kill();
    this.#worker = undefined;
  }
}

function printTable(counts: ReadonlyMap<string, Counts>): number {
  const sum = { accepted: 0, refused: 0, fault: 0, slowest: 0 };
  console.log(`\n${"reader".padEnd(12)}   cases  accepted  refused  faults  slowest ms`);
  const line = (name: string, { accepted, refused, fault, slowest }: Counts) =>
    console.log(
      [
        name.padEnd(12),
        String(accepted + refused + fault).padStart(7),
        String(accepted).padStart(9),
        String(refused).padStart(8),
        String(fault).padStart(7),
        String(slowest).padStart(11),
      ].join(" "),
    );
  for (const [name, own] of counts) {
    line(name, own);
    for (const key of ["accepted", "refused", "fault"] as const) sum[key] += own[key];
    sum.slowest = Math.max(sum.slowest, own.slowest);
  }
  line("all", sum);
  return sum.fault;
}

try {
  const plan = readPlan();
  const driver = new Driver(plan);
  await driver.run();
  const faults = printTable(driver.counts);
  console.log(`seed ${plan.seed}: ${faults} faults`);
  Deno.exit(faults > 0 ? 1 : 0);
} catch (error) {
  // Options that are none are refused with a code, and what is wrong with others with one sentence.
  const isRefusal = error instanceof RangeError || (error instanceof TypeError && "code" in error);
  if (!isRefusal) throw error;
  console.error(error.message);
  Deno.exit(1);
}

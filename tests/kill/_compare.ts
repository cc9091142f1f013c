/** What two runs of one job must share, and what they do not. */
import { withoutWallTimes } from "../../job/_test_support.ts";
import type { Report } from "../../report/schema.ts";

/** Says which files of two runs differ, and which fields of their reports besides what the clock and memory decide. */
export function differences(a: string, b: string): readonly string[] {
  const [one, other] = [filesIn(a), filesIn(b)];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  const files = names.filter((name) => !/^report\./.test(name) && one.get(name) !== other.get(name));
  return [...files, ...fieldsThatDiffer(readReport(a), readReport(b)).map((field) => `report.json's ${field}`)];
}

/**
 * Fields of report.json that two runs of one job do not share: times, and the memory of the process. report.html shows
 * them; nothing else in it depends on more than report.json. See docs/design/checkpoints.md.
 */
export function withoutTimes({ latencyMs: _, work: _____, train, ...rest }: Report): object {
  const { firstStepMs: __, stepMs: ___, peakRssMb: ____, ...lasting } = train;
  return { ...rest, train: { ...lasting, epochs: train.epochs.map(({ stepMs: _, ...epoch }) => epoch) } };
}

function fieldsThatDiffer(a: object, b: object): readonly string[] {
  const [one, other] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) =>
    JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key))
  );
}

function readReport(dir: string): object {
  return withoutTimes(JSON.parse(Deno.readTextFileSync(`${dir}/report.json`)));
}

/** Files of the results, hidden ones and leftovers too; of `run/`, what is there and not what is in it. */
function filesIn(dir: string, below = ""): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    const path = `${below}${name}`;
    if (isDirectory) {
      for (const [inner, text] of filesIn(`${dir}/${name}`, `${path}/`)) found.set(inner, text);
      continue;
    }
    const bytes = Deno.readFileSync(`${dir}/${name}`);
    const lasting = path.startsWith("tensorboard/") ? withoutWallTimes(bytes) : bytes;
    found.set(path, path.startsWith("run/") ? "" : new TextDecoder("latin1").decode(lasting));
  }
  return found;
}

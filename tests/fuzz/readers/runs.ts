/** The folder of a run that is to go on, or that has ended: its record, and the list of its results. */
import { openRunFolder } from "../../../job/_open_run.ts";
import { versionsNow, writeRun } from "../../../job/_run_record.ts";
import { sha256 } from "../../../src/io/hash.ts";
import type { Random } from "../../../src/numbers/random.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes, mutateJson } from "../_mutate.ts";

const REPORT = '{"command":"deno task qat"}\n';

const RECORD = writeRun({
  asked: { epochs: 3, data: "csv:table.csv", keepFloat: ["conv"], swap: "none" },
  out: "out",
  replaces: [],
  versions: versionsNow(),
  data: "a".repeat(64),
  model: "b".repeat(64),
});

const RESULTS = JSON.stringify({ files: { "report.json": sha256(REPORT), "model.int8.onnx": "c".repeat(64) } });

/** A run whose record or results are damaged, opened to go on. */
export const prepare: Prepare = (dir) => {
  Deno.mkdirSync(`${dir}/run`, { recursive: true });
  return (random) => {
    const ofRecord = random.chance(0.6);
    const record = ofRecord ? damaged(random, RECORD) : { text: RECORD, what: "" };
    const results = ofRecord ? { text: RESULTS, what: "" } : damaged(random, RESULTS);
    const report = !ofRecord && random.chance(0.2) ? "{}" : REPORT;
    Deno.writeTextFileSync(`${dir}/run/run.json`, record.text);
    Deno.writeTextFileSync(`${dir}/run/results.json`, results.text);
    Deno.writeTextFileSync(`${dir}/report.json`, report);
    const read = () => {
      const run = openRunFolder({ resume: dir }, () => {});
      try {
        check(run.options.epochs > 0 && run.options.out !== "", "options that no run has");
        check(JSON.stringify(run.readReport()) === REPORT.trim(), "another report than was written");
      } finally {
        run.close();
      }
    };
    return { what: record.what + results.what, mustRefuse: report !== REPORT, read };
  };
};

function damaged(random: Random, sound: string): { readonly text: string; readonly what: string } {
  if (random.chance(0.2)) {
    const { bytes, what } = mutateBytes(random, new TextEncoder().encode(sound));
    return { text: new TextDecoder().decode(bytes), what };
  }
  const root: unknown = JSON.parse(sound);
  const what = mutateJson(random, root);
  return { text: JSON.stringify(root), what };
}

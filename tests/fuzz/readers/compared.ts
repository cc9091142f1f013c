/** What runs have left, as a comparison reads it: report.json and metrics.csv. */
import { compareRuns } from "../../../job/compare.ts";
import { trainedReport } from "../../../report/_test_sample_report.ts";
import { renderComparison } from "../../../report/html/compare.ts";
import { formatComparison } from "../../../report/terminal/compare.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateBytes, mutateJson, mutateText } from "../_mutate.ts";

/** What of a report is read; the rest is long, and would take most of the damage. */
function soundReport(): object {
  const { schema, task, metrics, options, train, latencyMs, bytes, machine, command } = trainedReport();
  const pairing = { samples: "a".repeat(64), count: 10, kind: "hits", bytes: "2QM=" };
  return structuredClone({ schema, task, metrics, options, train, latencyMs, bytes, machine, command, pairing });
}

const TABLE = "stage,epoch,learning_rate,training loss,training accuracy,simulated accuracy,deployed accuracy\r\n" +
  "float,1,0.1,2.5,0.2,,\r\nqat,1,0.01,1.5,0.5,0.6,0.61\r\n";

/** Two runs, one of which is damaged. */
export const prepare: Prepare = (dir) => {
  const runs = [`${dir}/a`, `${dir}/b`];
  for (const run of runs) Deno.mkdirSync(run, { recursive: true });
  Deno.writeTextFileSync(`${dir}/a/report.json`, JSON.stringify(soundReport()));
  return (random) => {
    const report: unknown = soundReport();
    const kind = random.below(8);
    let [what, table] = ["sound", TABLE];
    if (kind < 2) [what, table] = ["table", mutateText(random, TABLE)];
    else if (kind > 2) what = mutateJson(random, report);
    Deno.writeTextFileSync(`${dir}/b/metrics.csv`, table);
    const text = new TextEncoder().encode(JSON.stringify(report));
    const made = kind === 7 ? mutateBytes(random, text) : { bytes: text, what: "" };
    Deno.writeFileSync(`${dir}/b/report.json`, made.bytes);
    const read = async () => {
      const compared = await compareRuns({ runs });
      check(compared.metrics.length > 0 && compared.metrics.every(({ values }) => values.length === 2), "metrics");
      check(
        compared.curves.every(({ series }) => series.every(({ points }) => points.flat().every(Number.isFinite))),
        "curves",
      );
      const terminal = formatComparison(compared);
      // deno-lint-ignore no-control-regex -- control characters are what must not be there
      check(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(terminal), "a control character in the terminal");
      check(!/<script>|NaN|undefined/.test(renderComparison(compared)), "what no page should hold");
    };
    return { what: what + made.what, read };
  };
};

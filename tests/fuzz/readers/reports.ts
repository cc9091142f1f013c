/** report.json, as the page and the terminal read it. */
import { formatReport } from "../../../report/terminal/terminal.ts";
import { renderHtml } from "../../../report/html/html.ts";
import { calibratedReport, residualReport, trainedReport } from "../../../report/_test_sample_report.ts";
import { detectorReport } from "../../../report/_test_sample_pictures.ts";
import { landmarksReport } from "../../../report/_test_sample_tasks.ts";
import { schemaErrors } from "../../_support/report_schema.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateText, placesIn } from "../_mutate.ts";

const REPORTS = [trainedReport(), residualReport(), calibratedReport(), landmarksReport(), detectorReport()];

/** A report whose texts are damaged: it is whole by its types, and what it says is somebody's file. */
export const prepare: Prepare = () => (random) => {
  const report = structuredClone(random.pick(REPORTS));
  const texts = placesIn(report).filter(({ parent, key }) => typeof parent[key] === "string");
  const { parent, key } = random.pick(texts);
  const before = parent[key];
  parent[key] = mutateText(random, String(before));
  // Words of which there are a few are the schema's.
  if (schemaErrors(report).length > 0) parent[key] = before;
  const read = () => {
    const text = formatReport(report, {});
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    check(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(text), "a control character in the terminal");
    check(!/<script>(?!\s*\S)/.test(renderHtml(report)), "a script in the page");
  };
  return { what: `${key} = ${JSON.stringify(parent[key]).slice(0, 100)}`, read };
};

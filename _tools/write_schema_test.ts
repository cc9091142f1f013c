import assert from "node:assert/strict";
import { calibratedReport, residualReport, trainedReport } from "../report/_test_sample_report.ts";
import { dummyReport, stepsReport, weightsReport } from "../report/_test_sample_ptq.ts";
import { detectorReport } from "../report/_test_sample_pictures.ts";
import { landmarksReport, simulatedReport } from "../report/_test_sample_tasks.ts";
import { assertFitsSchema, schemaErrors } from "../tests/_support/report_schema.ts";
import { RECIPE_SCHEMA_FILE, recipeSchemaText, SCHEMA_FILE, schemaText } from "./write_schema.ts";

Deno.test("docs/report.schema.json is what the types say (deno task docs writes it)", () => {
  assert.equal(Deno.readTextFileSync(SCHEMA_FILE), schemaText());
});

Deno.test("docs/recipe.schema.json is what recipe files are checked by (deno task docs writes it)", () => {
  assert.equal(Deno.readTextFileSync(RECIPE_SCHEMA_FILE), recipeSchemaText());
});

Deno.test("docs/report.schema.json describes the sample reports, in which every field is set somewhere", () => {
  const made = [
    calibratedReport,
    residualReport,
    trainedReport,
    landmarksReport,
    simulatedReport,
    detectorReport,
    dummyReport,
    stepsReport,
    weightsReport,
  ];
  const samples = made.map((make) => make());
  for (const sample of samples) assertFitsSchema(sample);
  const set = new Set(samples.flatMap(Object.keys));
  const { properties } = JSON.parse(schemaText()).definitions.Report;
  assert.deepEqual(Object.keys(properties).filter((field) => !set.has(field)), []);
});

Deno.test("docs/report.schema.json leaves fields of its own to the task, and nobody else", () => {
  const report = trainedReport();
  const [metric] = report.metrics;
  assert.deepEqual(schemaErrors({ ...report, accuracy: { float: 1 } }), []);
  const wrong: Readonly<Record<string, object>> = {
    "an older report": { ...report, schema: 1 },
    "metrics that are no list": { ...report, metrics: metric },
    "a metric with a field too many": { ...report, metrics: [{ ...metric, worse: "lower" }] },
    "a metric without a direction": { ...report, metrics: [{ ...metric, better: undefined }] },
    "an unknown direction": { ...report, metrics: [{ ...metric, better: "more" }] },
    "an agreement of codes with errors of values": {
      ...report,
      agreement: [{ output: "dense", compared: "codes", count: 1, maxError: 0, rmsError: 0 }],
    },
    "a section of an unknown kind": { ...report, sections: [{ kind: "poem", heading: "", lead: "" }] },
  };
  for (const [name, entry] of Object.entries(wrong)) assert.notDeepEqual(schemaErrors(entry), [], name);
});

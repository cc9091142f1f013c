/** Reports against the JSON schema that users are given. */
import assert from "node:assert/strict";
import { Ajv } from "ajv";

const schema = JSON.parse(Deno.readTextFileSync(new URL("../../docs/report.schema.json", import.meta.url)));
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

/** Lists what is wrong with `report` as it would be written to a file, a line each; nothing if it fits. */
export function schemaErrors(report: object): readonly string[] {
  if (validate(JSON.parse(JSON.stringify(report)))) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${JSON.stringify(params)}`
  );
}

/** Asserts that `report` fits, and that every field of its own is described or one of `own`, which its task adds. */
export function assertFitsSchema(report: object, own: readonly string[] = []): void {
  assert.deepEqual(schemaErrors(report), []);
  const described = Object.keys(schema.definitions.Report.properties);
  const written = Object.keys(JSON.parse(JSON.stringify(report)));
  assert.deepEqual(written.filter((field) => !described.includes(field) && !own.includes(field)), []);
}

/** Writes docs/report.schema.json, the JSON schema of a report. `deno task docs`; a test holds the file to it. */
import { fileURLToPath } from "node:url";
import { createGenerator } from "ts-json-schema-generator";

/** Where the schema is written to. */
export const SCHEMA_FILE = new URL("../docs/report.schema.json", import.meta.url);

/** Makes the text of the schema from the types in report/schema.ts and what is written beside them. */
export function schemaText(): string {
  const generator = createGenerator({
    path: fileURLToPath(new URL("../report/schema.ts", import.meta.url)),
    // The compiler that comes with the generator knows no npm: specifiers; `deno check` has checked the types.
    skipTypeCheck: true,
    additionalProperties: false,
  });
  const { $schema, $ref, definitions } = generator.createSchema("Report");
  const description =
    "report.json as tfjs-qat writes it. Fields of the report itself that are not described are its task's.";
  return `${JSON.stringify({ $schema, title: "Quantization report", description, $ref, definitions }, null, 2)}\n`;
}

if (import.meta.main) Deno.writeTextFileSync(SCHEMA_FILE, schemaText());

/** Writes the JSON schemas of reports and recipes into docs. `deno task docs`; tests hold the files to them. */
import { fileURLToPath } from "node:url";
import { createGenerator } from "ts-json-schema-generator";
import { RECIPE_SCHEMA } from "../quantize/recipe.ts";

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

/** Where the schema of recipes is written to. */
export const RECIPE_SCHEMA_FILE = new URL("../docs/recipe.schema.json", import.meta.url);

/** Makes the text of the schema that recipe files are checked by. */
export function recipeSchemaText(): string {
  const $schema = "http://json-schema.org/draft-07/schema#";
  return `${JSON.stringify({ $schema, title: "Recipe", ...RECIPE_SCHEMA }, null, 2)}\n`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(SCHEMA_FILE, schemaText());
  Deno.writeTextFileSync(RECIPE_SCHEMA_FILE, recipeSchemaText());
}

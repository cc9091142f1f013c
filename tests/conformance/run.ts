/**
 * Runs TF.js's own test suite, the one that `@tensorflow/tfjs-core` ships, on a backend.
 *
 * Usage: `deno task conformance [--backend onnxruntime|cpu] [--filter TEXT]`. Exits with 1 if a spec fails.
 */
import { registerBackend } from "../../src/backend/mod.ts";
import { bundleTests, type TestBundle } from "./_bundle.ts";
import { runSpecs, startJasmine } from "./_jasmine.ts";
import { judge } from "./_outcome.ts";
import { EXPECTED_FAILURES } from "./expected_failures.ts";

/** Specs of tfjs-core 4.22.0 on any backend; two more are for the cpu backend alone ("Switching cpu backends"). */
const SPECS = 4230;

/** Returns the value of `--name`. */
function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

const backend = option("backend") ?? "onnxruntime";
const filter = option("filter") ?? "";
const print = console.log;
// Some specs are about what is printed; Jasmine's spies work on this all the same.
console.log = console.warn = () => {};
const jasmine = startJasmine();
// TF.js's state is global: whichever copy of it is loaded first makes it, here the one with the tests.
const { setTestEnvs, loadTests }: TestBundle = await import(await bundleTests());
await registerBackend();
setTestEnvs([{ name: backend, backendName: backend, isDataSync: true }]);
await loadTests();

const start = performance.now();
const results = await runSpecs(jasmine, {
  include: (name) => name.includes(filter),
  // describeWithFlags adds the environment's name and flags.
  rename: (name) => name.replace(` ${backend} {}`, ""),
});
const seconds = (performance.now() - start) / 1000;
const { passed, failed, skipped, complaints } = judge(results, backend === "cpu" || filter ? [] : EXPECTED_FAILURES);
for (const complaint of complaints) print(`${complaint}\n`);
const missing = filter ? 0 : Math.max(0, SPECS - results.length);
if (missing > 0) print(`${missing} of ${SPECS} specs did not run\n`);
print(`${results.length} specs on "${backend}" in ${seconds.toFixed(1)} s`);
print(`${passed} passed, ${failed + missing} failed, ${skipped} skipped`);
Deno.exit(failed + missing > 0 || passed === 0 ? 1 : 0);

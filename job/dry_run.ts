/** What a job would quantize, and how, without training anything. */
import { adoptPrepared } from "../quantize/adopt.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import type { QuantizationRecord } from "../quantize/record.ts";
import { rewriteModel } from "../src/rewrite/mod.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { startEngine } from "./_engine.ts";
import { rulesFor } from "./_float.ts";
import { logUnmatched, prepareFor, readQuantization } from "./_recipe.ts";
import { isPrepared, refuseFloatOptions } from "./_resume.ts";
import type { JobEvents } from "./events.ts";
import { type QatOptions, resolveOptions } from "./options.ts";
import { lineLog } from "./_job.ts";
import { open } from "./qat.ts";

/**
 * Loads or builds the model of a job, prepares it as the job would, and says what that came to. Trains and writes nothing.
 *
 * @throws {Error} As `runQat` does before it trains.
 */
export function dryRun(options: QatOptions = {}, events: JobEvents = {}): Promise<QuantizationRecord> {
  return inPlainWords(() => resolveModel(options, events));
}

async function resolveModel(options: QatOptions, events: JobEvents): Promise<QuantizationRecord> {
  const resolved = resolveOptions(options);
  const quantization = await readQuantization(resolved);
  const log = lineLog(events);
  const engine = await startEngine(resolved, log);
  const { original, job } = await open(resolved, { events, log, engine, quantization });
  if (isPrepared(original)) {
    refuseFloatOptions(job);
    return recordIn(adoptPrepared(original));
  }
  const { model } = rewriteModel(original, rulesFor(resolved.swap));
  original.dispose();
  const prepared = prepareFor(model, quantization);
  model.dispose();
  logUnmatched(prepared, log);
  return recordIn(prepared);
}

function recordIn({ model, unmatched: _, ...record }: PreparedModel): QuantizationRecord {
  model.dispose();
  return record;
}

/** How far quantized models answer as the float model does. */
import type { Answers } from "../../models/answers.ts";
import type { OutputSqnr, SqnrReport } from "../../report/schema.ts";
import { noiseOf, sqnrDb } from "../../src/numbers/noise.ts";

/**
 * Measures the answers of a model against those of the float model, output by output in the model's order: after a rewrite
 * they may be called otherwise.
 */
export function sqnrOf(float: Answers, quantized: Answers): readonly OutputSqnr[] {
  const given = Object.values(quantized);
  return Object.entries(float).map(([output, { values }], i) => ({
    output,
    sqnrDb: sqnrDb(noiseOf(values, given[i].values)),
  }));
}

/** Describes all quantized models of a job on those of its judged samples whose answers are kept. */
export function describeSqnr(
  float: Answers,
  { of, ...models }: {
    readonly of: SqnrReport["of"];
    readonly simulated?: Answers;
    readonly deployed?: Answers;
  },
): readonly SqnrReport[] {
  const found = Object.entries(models).map(([name, answers]) => ({ name, sqnr: sqnrOf(float, answers) }));
  return Object.entries(float).map(([output, { shape: [samples] }], i) => ({
    output,
    ...Object.fromEntries(found.map(({ name, sqnr }) => [name, sqnr[i].sqnrDb])),
    samples,
    of,
  }));
}

/** The steps of post-training quantization, in the order in which they run: those on the float model first. */
import { absorbBias } from "./absorb_bias.ts";
import { adaround } from "./adaround.ts";
import { correctBias } from "./correct_bias.ts";
import { equalize } from "./equalize.ts";
import { openRelu6 } from "./open_relu6.ts";
import { reestimateBn } from "./reestimate_bn.ts";
import { smooth } from "./smooth.ts";
import type { PtqStep } from "./step.ts";

/** All steps. A flag of `deno task ptq` and an option of `runPtq` is made of each. */
export const STEPS = [
  openRelu6,
  equalize,
  absorbBias,
  smooth,
  reestimateBn,
  adaround,
  correctBias,
] as const satisfies readonly PtqStep[];

/** The name of a step, as its flag has it. */
export type StepName = typeof STEPS[number]["name"];

/** The option that a step's flag is: "correct-bias" → "correctBias". */
export type OptionOf<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<OptionOf<Rest>>}`
  : Name;

/** Which steps are done, by the options that their flags are. Default of each: its `byDefault`. */
export type StepOptions = { readonly [Name in StepName as OptionOf<Name>]?: boolean };

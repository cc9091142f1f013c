/** Options of the main job, as objects. */
import { resolveOptions } from "../../../job/options.ts";
import { check, type FuzzCase, type Prepare } from "../_case.ts";
import { hostileValue, mutateText, NUMBERS, TEXTS } from "../_mutate.ts";
import type { Random } from "../../../src/numbers/random.ts";

const SOUND: Readonly<Record<string, unknown>> = {
  ...resolveOptions({}),
  model: "model.json",
  task: "classification",
  targets: ["y"],
  outputs: ["logits"],
  normalize: "0..1",
  augment: true,
  threads: 1,
  limit: 10,
  target: "x86",
  recipe: "x86",
  perChannel: true,
  patience: 2,
  classWeights: "balanced",
  cache: "cache",
};

/** Options under test. */
export interface OptionsReader {
  /** A value that each option takes. */
  readonly sound: Readonly<Record<string, unknown>>;
  /** Reads options, and checks what comes of them. */
  readonly read: (options: object) => void;
}

function hostileOption(random: Random, value: unknown): unknown {
  if (typeof value === "string" && random.chance(0.5)) return mutateText(random, value);
  const special = [NaN, Infinity, -Infinity, undefined, 1n, Symbol("s"), () => 1, new Date(0), new Map(), /x/];
  return random.pick([() => random.pick(NUMBERS), () => random.pick(special), () => hostileValue(random)])();
}

/** Options of which some are of another kind, out of range or not known. */
export const prepare: Prepare = optionCases({ sound: SOUND, read: checkResolved });

/** Makes options for a job. */
export function optionCases(reader: OptionsReader): Prepare {
  return () => (random) => makeCase(reader, random);
}

function makeCase({ sound, read }: OptionsReader, random: Random): FuzzCase {
  const given: Record<string, unknown> = {};
  for (let i = 0; i <= random.below(4); i++) {
    const key = random.chance(0.1) ? random.pick(TEXTS) : random.pick(Object.keys(sound));
    const own = Object.hasOwn(sound, key) ? sound[key] : undefined;
    const value = random.chance(0.3) ? own : hostileOption(random, own);
    Object.defineProperty(given, key, { value, enumerable: true, configurable: true, writable: true });
  }
  const what = Object.entries(given).map(([key, value]) => `${key} = ${Deno.inspect(value).slice(0, 60)}`).join(", ");
  const mustRefuse = Object.entries(given).some(([key, value]) => !Object.hasOwn(sound, key) && value !== undefined);
  return { what, mustRefuse, read: () => read(given) };
}

function checkResolved(given: object): void {
  const { epochs, batchSize, lr, seed, opset, keepFloat, out, data, ...training } = resolveOptions(given);
  const { warmupEpochs, ema, patience = 1 } = training;
  check(warmupEpochs >= 0 && warmupEpochs < epochs, `warmupEpochs ${warmupEpochs} of ${epochs}`);
  check(ema >= 0 && ema < 1, `ema ${ema}`);
  check(Number.isInteger(patience) && patience > 0, `patience ${patience}`);
  check(Number.isInteger(epochs) && epochs > 0, `epochs ${epochs}`);
  check(Number.isInteger(batchSize) && batchSize > 0, `batchSize ${batchSize}`);
  check(lr > 0 && Number.isFinite(lr), `lr ${lr}`);
  check(Number.isInteger(seed) && seed >= 0, `seed ${seed}`);
  check(opset >= 13 && opset <= 17, `opset ${opset}`);
  check(keepFloat.every((name) => typeof name === "string" && name !== ""), "keepFloat");
  check([out, data].every((text) => typeof text === "string" && text !== ""), "out or data");
}

/** Options of the main job, as objects. */
import { resolveOptions } from "../../../job/options.ts";
import { check, type Prepare } from "../_case.ts";
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
};

function hostileOption(random: Random, key: string): unknown {
  const value = SOUND[key];
  if (typeof value === "string" && random.chance(0.5)) return mutateText(random, value);
  const special = [NaN, Infinity, -Infinity, undefined, 1n, Symbol("s"), () => 1, new Date(0), new Map(), /x/];
  return random.pick([() => random.pick(NUMBERS), () => random.pick(special), () => hostileValue(random)])();
}

/** Options of which some are of another kind, out of range or not known. */
export const prepare: Prepare = () => (random) => {
  const given: Record<string, unknown> = {};
  for (let i = 0; i <= random.below(4); i++) {
    const key = random.chance(0.1) ? random.pick(TEXTS) : random.pick(Object.keys(SOUND));
    const value = random.chance(0.3) ? SOUND[key] : hostileOption(random, key);
    Object.defineProperty(given, key, { value, enumerable: true, configurable: true, writable: true });
  }
  const what = Object.entries(given).map(([key, value]) => `${key} = ${Deno.inspect(value).slice(0, 60)}`).join(", ");
  const mustRefuse = Object.entries(given).some(([key, value]) => !Object.hasOwn(SOUND, key) && value !== undefined);
  return { what, mustRefuse, read: () => checkResolved(given) };
};

function checkResolved(given: object): void {
  const { epochs, batchSize, lr, seed, opset, keepFloat, out, data } = resolveOptions(given);
  check(Number.isInteger(epochs) && epochs > 0, `epochs ${epochs}`);
  check(Number.isInteger(batchSize) && batchSize > 0, `batchSize ${batchSize}`);
  check(lr > 0 && Number.isFinite(lr), `lr ${lr}`);
  check(Number.isInteger(seed) && seed >= 0, `seed ${seed}`);
  check(opset >= 13 && opset <= 17, `opset ${opset}`);
  check(keepFloat.every((name) => typeof name === "string" && name !== ""), "keepFloat");
  check([out, data].every((text) => typeof text === "string" && text !== ""), "out or data");
}

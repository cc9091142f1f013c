/** Short texts with a meaning: normalizations, swaps, names of data, targets and presets. */
import { openData } from "../../../data/open.ts";
import { normalizeTable, parseNormalize } from "../../../data/normalize.ts";
import { presetOf } from "../../../quantize/presets/mod.ts";
import { targetOf } from "../../../quantize/targets/mod.ts";
import { parseSwap } from "../../../src/rewrite/mod.ts";
import { inPlainWordsSync } from "../../../src/text/plain_errors.ts";
import { check, type Prepare } from "../_case.ts";
import { mutateText, TEXTS } from "../_mutate.ts";

interface Reader {
  readonly sound: readonly string[];
  readonly read: (text: string) => unknown;
}

const TEXT_READERS: Readonly<Record<string, Reader>> = {
  normalize: {
    sound: ["0..1", "-1..1", "0..255", "imagenet", ".1307:.3081", "0.49,0.48,0.45:0.25,0.24,0.26"],
    read: (text) => {
      const normalize = parseNormalize(text);
      const channels = Math.max(normalize.mean.length, normalize.std.length);
      check(normalizeTable(normalize, channels).every(Number.isFinite), "a table that is not finite");
    },
  },
  swap: { sound: ["leaky_relu:relu", "silu:relu6", "swish:relu"], read: parseSwap },
  target: { sound: ["x86", "arm", "simulation"], read: targetOf },
  preset: { sound: ["x86", "four-bit-weights"], read: presetOf },
  data: { sound: ["mnist:none", "cifar10:none", "folder:none", "csv:none", "nothing"], read: (text) => openData(text) },
};

/** One of these texts, damaged. */
export const prepare: Prepare = () => (random) => {
  const name = random.pick(Object.keys(TEXT_READERS));
  const { sound, read } = TEXT_READERS[name];
  const text = random.chance(0.2) ? random.pick(TEXTS) : mutateText(random, random.pick(sound));
  // As the job calls them.
  return { what: `${name} ${JSON.stringify(text).slice(0, 200)}`, read: () => inPlainWordsSync(() => read(text)) };
};

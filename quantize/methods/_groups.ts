/** Which channels the weights of a layer read, where it reads them in groups. */
import type { LayerSpec } from "../../src/rewrite/mod.ts";

/** In how many groups a layer with a full kernel reads its channels. */
export function groupsOf({ className, config }: LayerSpec): number {
  return className === "GroupConv2D" ? Number(config.groups) : 1;
}

/**
 * Returns, for each of `outputs` channels that a kernel [..., `inner`, outputs] in `groups` gives, the first channel that it
 * reads.
 */
export function firstRead({ groups, inner, outputs }: {
  readonly groups: number;
  readonly inner: number;
  readonly outputs: number;
}): Int32Array {
  return Int32Array.from({ length: outputs }, (_, o) => Math.floor(o * groups / outputs) * inner);
}

/** The targets, by name. */
import type { QuantScheme } from "../../src/numbers/scheme.ts";
import { suggestName } from "../../src/text/nearest.ts";
import { type Role, type Target, whyNotHeld } from "../target.ts";
import { arm } from "./arm.ts";
import { fbgemm } from "./fbgemm.ts";
import { qnnpack } from "./qnnpack.ts";
import { simulation } from "./simulation.ts";
import { tensorrt } from "./tensorrt.ts";
import { webnn } from "./webnn.ts";
import { x86 } from "./x86.ts";
import { x86Portable } from "./x86_portable.ts";
import { x86U8u8 } from "./x86_u8u8.ts";

/** All targets, the default first. */
export const TARGETS: readonly [Target, ...Target[]] = [
  x86,
  x86Portable,
  x86U8u8,
  fbgemm,
  qnnpack,
  arm,
  webnn,
  tensorrt,
  simulation,
];

/**
 * Returns the target called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function targetOf(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot quantize for "${name}": ${suggestName(name, TARGETS.map((target) => target.name))}`);
}

/** Returns the first target that can hold `scheme`; the last of them holds any. */
export function targetThatHolds(role: Role, scheme: QuantScheme): Target {
  // "simulation" refuses nothing.
  return TARGETS.find((target) => whyNotHeld(target, role, scheme) === undefined) ?? simulation;
}

/** Which targets can hold what a method makes. */
import type { PtqMethod, Target } from "../../quantize/target.ts";
import { TARGETS } from "../../quantize/targets/mod.ts";

/**
 * Checks that `target` can hold what `method` makes.
 *
 * @throws {RangeError} If it cannot; one that can is named.
 */
export function checkMethod(target: Target, method: PtqMethod): void {
  if (target.methods.includes(method)) return;
  const other = TARGETS.find(({ methods }) => methods.includes(method));
  throw new RangeError(
    `Cannot use --method ${method} for target "${target.name}": it is for ${target.methods.join(" and ")}` +
      (other === undefined ? "" : `; target "${other.name}" can hold it`),
  );
}

/** What was left out of a set, as the reason where too little of it is left. */
import type { BadImage } from "./_decode.ts";

/**
 * Returns the end of a message that says what is missing: how much was left out, and the first of it. Nothing where nothing
 * was.
 */
export function leftOut(faults: readonly BadImage[]): string {
  if (faults.length === 0) return "";
  const [{ file, because, box }] = faults;
  const count = faults.length === 1 ? "1" : `${faults.length}, the first`;
  return `; --skip-bad-images left out ${count}: ${box === undefined ? "" : `${box} of `}"${file}" (${because})`;
}

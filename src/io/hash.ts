/** What tells one content from another. */
import { createHash } from "node:crypto";

/** Returns the SHA-256 of `parts` one after another, in hexadecimal digits. */
export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

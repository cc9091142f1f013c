/** A training step as one recording. */
import type { OnnxRuntimeBackend } from "./backend.ts";

/**
 * Does `step`, which is recorded in one piece even where it reads weights that it has computed: decayed ones, or those
 * that an average follows. It must end: a loop over steps that waits for nothing would be one graph.
 *
 * @returns What it returns.
 */
export function asOneStep<T>(backend: OnnxRuntimeBackend, step: () => T): T {
  const before = backend.isInStep;
  backend.isInStep = true;
  try {
    return step();
  } finally {
    backend.isInStep = before;
  }
}

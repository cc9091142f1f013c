import { oneLine } from "../text/plain.ts";

/**
 * Says that a model on disk cannot be used: one line that names the file, what is wrong and what is needed.
 *
 * Callers catch it to end with a message instead of a stack trace.
 */
export class ModelFileError extends Error {
  override readonly name: string = "ModelFileError";
}

/** Says that an output cannot be written: one line that begins `Cannot write to "PATH": `. */
export class OutputError extends Error {
  override readonly name: string = "OutputError";

  /**
   * Words the failure of writing to a path.
   *
   * @param path The file or folder that the caller asked for.
   * @param cause What the operating system or Deno said.
   */
  static at(path: string, cause: unknown): OutputError {
    return new OutputError(`Cannot write to "${path}": ${describeFailure(cause)}`, { cause });
  }
}

/**
 * Words a failed file operation, or any other error, in one line without the path.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { describeFailure } from "./errors.ts";
 *
 * assert.equal(describeFailure(new Deno.errors.NotFound("os error 2")), "there is no such file or folder");
 * assert.equal(describeFailure(new Error("first line\n  second line")), "first line second line");
 * ```
 */
export function describeFailure(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such file or folder";
  if (cause instanceof Deno.errors.PermissionDenied) return "the operating system denies access";
  if (cause instanceof Deno.errors.NotCapable) return "Deno runs without the permission for it";
  if (cause instanceof Deno.errors.NotADirectory) return "a part of the path is a file, a folder is needed";
  if (cause instanceof Deno.errors.AlreadyExists) return "a file of that name exists, a folder is needed";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a folder, a file is needed";
  return oneLine(cause instanceof Error ? cause.message : String(cause));
}

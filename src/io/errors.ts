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

  /**
   * Words the failure of writing files into a folder; of a full disk it says how much would have been needed.
   *
   * @param folder The folder that the files were to be in.
   * @param bytes Of all files together.
   */
  static in(folder: string, { bytes, cause }: { readonly bytes: number; readonly cause: unknown }): OutputError {
    const full = describeFull(cause);
    if (full === undefined) return cause instanceof OutputError ? cause : OutputError.at(folder, cause);
    const needed = `${bytes.toLocaleString("en")} bytes are needed there`;
    return new OutputError(`Cannot write to "${folder}": ${full}, ${needed}`, { cause });
  }
}

/** Says that a checkpoint cannot be gone on from: one line that names it, what is wrong and what is needed. */
export class CheckpointError extends Error {
  override readonly name: string = "CheckpointError";
}

/** What stands for more bytes than there is room for; some errors have their number in their message only. */
const FULL = [
  { is: /^ENOSPC$/, says: "the disk is full" },
  { is: /^EDQUOT$|\(os error 122\)/, says: "the disk quota is used up" },
  { is: /^EFBIG$|\(os error 27\)/, says: "files may not become so large there" },
];

/** Returns in which way there is no room; undefined if that is not what `cause` says. */
function describeFull(cause: unknown): string | undefined {
  const error = cause instanceof OutputError ? cause.cause : cause;
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, "code");
  return FULL.find(({ is }) => is.test(String(code)) || is.test(error.message))?.says;
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
  return describeFull(cause) ?? oneLine(withoutErrno(cause instanceof Error ? cause.message : String(cause)));
}

/**
 * Returns what the operating system says of a failure without its number and the call that failed, or `message` as it is.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { withoutErrno } from "./errors.ts";
 *
 * assert.equal(withoutErrno("File name too long (os error 36): stat 'x'"), "File name too long");
 * assert.equal(withoutErrno("3 of 4 bytes"), "3 of 4 bytes");
 * ```
 */
export function withoutErrno(message: string): string {
  return message.replace(/ \(os error \d+\)[^]*$/, "");
}

/** Elements of tensors that lie beside an ONNX file: in its own folder, and nowhere else. */
import { dirname, isAbsolute, join, relative, win32 } from "node:path";
import { describeFailure } from "../../../src/io/errors.ts";
import { formatBytes } from "../../../src/io/read.ts";
import type { ExternalData } from "../../../src/onnx/file/mod.ts";
import { plainLine } from "../../../src/text/plain.ts";
import { leadsOut } from "../_shards.ts";

/** All tensors together may take so many bytes: a file that says the same bytes a thousand times is none. */
const MOST_BYTES = 2 ** 31 - 1;

/** Reads what the tensors of the ONNX file `path` say of other files; `used` tells whether any did. */
export class ExternalReader {
  readonly #path: string;
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether anything was read. */
  get isUsed(): boolean {
    return this.#bytes > 0;
  }

  /** @throws {Error} If it cannot be read: the end of a sentence. */
  readonly read = ({ location, offset, length }: ExternalData): Uint8Array => {
    const shown = `"${plainLine(location)}"`;
    this.#bytes += length;
    if (this.#bytes > MOST_BYTES) {
      throw new Error(`all tensors together take more than ${formatBytes(MOST_BYTES)}, which no ONNX file may`);
    }
    const file = findBeside(this.#path, location);
    try {
      const { size, isFile } = Deno.statSync(file);
      if (!isFile) throw new Misplaced(`${shown} is no file, one is needed`);
      if (offset + length > size) {
        throw new Misplaced(`${shown} has ${size} bytes, needed are ${length} from byte ${offset} on`);
      }
      return readPart(file, { offset, length });
    } catch (cause) {
      if (cause instanceof Misplaced) throw cause;
      throw new Error(`${shown} beside it cannot be read: ${describeFailure(cause)}`, { cause });
    }
  };
}

class Misplaced extends Error {}

/** Returns the path of a file that lies within the folder of `path`, or is not there. */
function findBeside(path: string, location: string): string {
  const refuse = (what: string) =>
    new Misplaced(`its data lies in "${plainLine(location)}", ${what}; needed is a file within the model's folder`);
  if (isAbsolute(location) || win32.isAbsolute(location)) throw refuse("an absolute path");
  if (location.includes("\0") || leadsOut(location)) throw refuse("a path out of the model's folder");
  const folder = dirname(path);
  const file = join(folder, location);
  try {
    if (!leadsOut(relative(Deno.realPathSync(folder), Deno.realPathSync(file)))) return file;
  } catch {
    // What cannot be followed is not there, or a link to what is not: whether that is there is nobody's business.
    if (!hasLink(folder, location)) return file;
  }
  throw refuse("a link out of the model's folder");
}

function hasLink(folder: string, location: string): boolean {
  const parts = location.split(/[/\\]/);
  return parts.some((_, i) => {
    try {
      return Deno.lstatSync(join(folder, ...parts.slice(0, i + 1))).isSymlink;
    } catch {
      return false;
    }
  });
}

function readPart(path: string, { offset, length }: Pick<ExternalData, "offset" | "length">): Uint8Array {
  using file = Deno.openSync(path);
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) throw new Misplaced(`"${path}" became shorter while it was read`);
    done += count;
  }
  return bytes;
}

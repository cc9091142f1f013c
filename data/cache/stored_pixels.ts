/** Pictures of a file, of which only those are in memory that somebody looks at, or is about to. */
import { crc32 } from "node:zlib";
import { removeQuietly } from "../../src/io/disk.ts";
import { sha256 } from "../../src/io/hash.ts";
import type { OpenPictureFile } from "./picture_file.ts";

/** Files that are open at once at the most, of one file of pictures: each reads by itself. */
const MOST_READERS = 32;

/** Pictures that are being read. */
export interface Lease {
  /** Resolves when all of them are there; rejects if one is damaged. */
  readonly ready: Promise<void>;
  /** Returns a picture that is there, until the lease ends. */
  readonly get: (picture: number) => Uint8Array | undefined;
  /** Ends it: the memory goes to others. */
  readonly release: () => void;
}

/** What all selections of one file share. */
interface Shared {
  readonly file: OpenPictureFile;
  readonly readers: Deno.FsFile[];
  /** Memory for pictures that nobody has. */
  readonly free: Uint8Array[];
  /** By lane, what its reader does last; each reader has one position. */
  readonly turns: Map<number, Promise<void>>;
}

/** Some of the pictures of a file, or all, in any order. */
export class StoredPixels {
  readonly #shared: Shared;
  /** Places in the file. */
  readonly #places: Int32Array;

  private constructor(shared: Shared, places: Int32Array) {
    this.#shared = shared;
    this.#places = places;
  }

  /** Takes all pictures of a file, which nobody removes as stale until it is closed. */
  static of(file: OpenPictureFile): StoredPixels {
    const first = Deno.openSync(file.path);
    first.lockSync(false);
    const shared = { file, readers: [first], free: [], turns: new Map() };
    return new StoredPixels(shared, Int32Array.from(file.checks, (_, i) => i));
  }

  /** Bytes of all pictures. */
  get length(): number {
    return this.#places.length * this.#shared.file.width;
  }

  /** What tells them from others: a hash of their checks. */
  get digest(): string {
    const { checks, width } = this.#shared.file;
    return digestOfChecks(Uint32Array.from(this.#places, (place) => checks[place]), width);
  }

  /** Keeps the pictures at `indices`, in that order. */
  select(indices: readonly number[]): StoredPixels {
    return new StoredPixels(this.#shared, Int32Array.from(indices, (i) => this.#places[i]));
  }

  /**
   * Reads whole pictures, into memory of the caller's own.
   *
   * @throws {RangeError} If `start` or `end` lies within a picture.
   * @throws {Error} If a picture is damaged or cannot be read; the file is removed then, so that it is made anew.
   */
  subarray(start: number, end: number): Uint8Array {
    const { width } = this.#shared.file;
    if (start % width !== 0 || end % width !== 0) {
      throw new RangeError(
        `Cannot read bytes ${start} to ${end} of pictures: each has ${width}, whole ones are needed`,
      );
    }
    const bytes = new Uint8Array(Math.max(0, end - start));
    const file = this.#reader(0);
    for (let at = 0; at < bytes.length; at += width) {
      const place = this.#places[(start + at) / width];
      const into = bytes.subarray(at, at + width);
      try {
        file.seekSync(place * width, Deno.SeekMode.Start);
        for (let done = 0; done < width;) done += goOn(file.readSync(into.subarray(done)));
      } catch (cause) {
        throw this.#unreadable(place, cause);
      }
      this.#check(place, into);
    }
    return bytes;
  }

  /** Begins to read `pictures` in the background. */
  lease(pictures: readonly number[]): Lease {
    const { free, file: { width } } = this.#shared;
    const held = new Map<number, Uint8Array>();
    for (const picture of pictures) {
      if (!held.has(picture)) held.set(picture, free.pop() ?? new Uint8Array(width));
    }
    const waiting = [...held];
    const lanes = Array.from(
      { length: Math.min(MOST_READERS, waiting.length) },
      (_, lane) => this.#readLane(lane, waiting.filter((_, i) => i % MOST_READERS === lane)),
    );
    let isThere = false;
    const ready = Promise.all(lanes).then(() => void (isThere = true));
    // Whoever waits hears of it; a lease that is given up is nobody's concern.
    ready.catch(() => {});
    return {
      ready,
      get: (picture) => isThere ? held.get(picture) : undefined,
      release: () => {
        // What is still being read is written to, and stays with whoever reads.
        if (isThere) free.push(...held.values());
        held.clear();
      },
    };
  }

  async #readLane(lane: number, pictures: readonly (readonly [picture: number, into: Uint8Array])[]): Promise<void> {
    const { width } = this.#shared.file;
    for (const [picture, into] of pictures) {
      const place = this.#places[picture];
      await this.#inTurn(lane, async (file) => {
        file.seekSync(place * width, Deno.SeekMode.Start);
        for (let done = 0; done < width;) done += goOn(await file.read(into.subarray(done)));
      }).catch((cause) => {
        throw this.#unreadable(place, cause);
      });
      this.#check(place, into);
    }
  }

  /** Uses a lane's reader when those before are done with it; at once, where there are none. */
  async #inTurn(lane: number, use: (file: Deno.FsFile) => Promise<void>): Promise<void> {
    const { turns } = this.#shared;
    // The first reader is of those that wait for nothing.
    const file = this.#reader(lane + 1);
    const before = turns.get(lane);
    const turn = before === undefined ? use(file) : before.then(() => use(file));
    const settled = turn.catch(() => {});
    turns.set(lane, settled);
    try {
      await turn;
    } finally {
      if (turns.get(lane) === settled) turns.delete(lane);
    }
  }

  #reader(number: number): Deno.FsFile {
    return this.#shared.readers[number] ??= Deno.openSync(this.#shared.file.path);
  }

  /** Closes the file, for all selections of it; nothing may be being read. */
  close(): void {
    for (const file of this.#shared.readers.splice(0)) file?.close();
  }

  #check(place: number, bytes: Uint8Array): void {
    if (crc32(bytes) !== this.#shared.file.checks[place]) throw this.#unreadable(place);
  }

  #unreadable(place: number, cause?: unknown): Error {
    const { path } = this.#shared.file;
    removeQuietly(path);
    return new Error(
      `Cannot read picture ${place} of the cache "${path}": it is damaged, and was removed; the next run makes it anew`,
      { cause },
    );
  }
}

/** Returns what tells pictures of `width` bytes with these CRC-32 from others. */
export function digestOfChecks(checks: Uint32Array, width: number): string {
  return sha256(`${width}`, new Uint8Array(checks.buffer, checks.byteOffset, checks.byteLength));
}

/** Whether somebody reads the file of pictures at `path`. */
export function isInUse(path: string): boolean {
  using file = Deno.openSync(path);
  return !file.tryLockSync(true);
}

/** @throws {Deno.errors.UnexpectedEof} If the file has ended. */
function goOn(read: number | null): number {
  if (read === null) throw new Deno.errors.UnexpectedEof();
  return read;
}

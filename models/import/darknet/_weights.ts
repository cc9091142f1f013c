/**
 * The weights of a darknet net: a header, then float32, little-endian, section after section.
 *
 * Header: three int32 (major, minor, revision) and how many pictures were seen, of 64 bits from version 0.2 on and of 32
 * before. Source: `load_weights_upto` of darknet's parser.c.
 */
import { ModelFileError } from "../../../src/io/errors.ts";

/** Hands out the numbers of a file in their order. */
export class WeightReader {
  readonly #path: string;
  readonly #view: DataView;
  #at: number;

  /** @throws {ModelFileError} If the file is shorter than its header. */
  constructor(bytes: Uint8Array, path: string) {
    this.#path = path;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 12) throw new ModelFileError(`Cannot load "${path}": it has ${bytes.length} bytes, no header`);
    const [major, minor] = [this.#view.getInt32(0, true), this.#view.getInt32(4, true)];
    const isWide = major * 10 + minor >= 2 && major < 1000 && minor < 1000;
    this.#at = isWide ? 20 : 16;
  }

  /** How many numbers are left. */
  get left(): number {
    return Math.max(0, Math.floor((this.#view.byteLength - this.#at) / 4));
  }

  /**
   * Reads the next `count` numbers.
   *
   * @param whose What they are, for messages: "the biases of …".
   * @throws {ModelFileError} If there are fewer, or one is not finite.
   */
  read(count: number, whose: string): Float32Array {
    this.#need(count, whose);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.#view.getFloat32(this.#at + 4 * i, true);
    this.#at += 4 * count;
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return values;
    throw new ModelFileError(`Cannot load "${this.#path}": number ${bad} of ${whose} is ${values[bad]}`);
  }

  /**
   * Passes over the next `count` numbers.
   *
   * @throws {ModelFileError} If there are fewer.
   */
  skip(count: number, whose: string): void {
    this.#need(count, whose);
    this.#at += 4 * count;
  }

  #need(count: number, whose: string): void {
    if (this.left >= count) return;
    throw new ModelFileError(
      `Cannot load "${this.#path}": it ends in ${whose}, which are ${count} numbers where ${this.left} are left`,
    );
  }

  /** @throws {ModelFileError} If there is more in the file. */
  end(): void {
    const left = this.#view.byteLength - this.#at;
    if (left === 0) return;
    throw new ModelFileError(
      `Cannot load "${this.#path}": it has ${left} bytes more than its configuration asks for, is it another net's?`,
    );
  }
}

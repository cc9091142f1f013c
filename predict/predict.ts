/** Answers of an exported file to picture files: fed as the file says that it is fed, and read as it says. */
import { normalizeTable } from "../data/normalize.ts";
import { type BadImage, fitPictures, type FittedPicture } from "../data/sources/picture_files.ts";
import { DeployedModel } from "../export/deployed.ts";
import type { Answers } from "../models/answers.ts";
import { TARGETS } from "../quantize/targets/mod.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import type { PictureAnswer } from "./answer.ts";
import { describeFile, type FileDescription, type FileInput } from "./_file.ts";
import { readerOf, type ReadSample } from "./_readers.ts";
import type { Telling } from "./_reading.ts";

/** What a file answered to a picture. */
export interface PicturePrediction {
  readonly file: string;
  /** Sides of the picture in pixels, turned as its EXIF says. */
  readonly width: number;
  readonly height: number;
  readonly answers: readonly PictureAnswer[];
}

/** How a file is run. */
export interface PredictorOptions extends Telling {
  /** What it is called in errors. */
  readonly name: string;
  readonly threads?: number;
  /** Whether it runs on exact kernels where this CPU's saturate. */
  readonly precise?: boolean;
}

/** A file that answers to pictures. */
export class Predictor {
  readonly #name: string;
  readonly #description: FileDescription;
  readonly #read: ReadSample;
  readonly #model: DeployedModel;

  /**
   * Loads a file.
   *
   * @throws {OnnxFileError} If it is no ONNX file.
   * @throws {RangeError} If it does not say how it is fed and read, or ONNX Runtime refuses it.
   */
  constructor(bytes: Uint8Array, { name, threads, precise = false, ...telling }: PredictorOptions) {
    this.#name = name;
    this.#description = inPlainWordsSync(() => describeFile(bytes, name));
    this.#read = inPlainWordsSync(() => readerOf(this.#description.outputs, telling));
    const session = { ...sessionOf(this.#description), precise, ...(threads === undefined ? {} : { threads }) };
    try {
      this.#model = new DeployedModel(bytes, session);
    } catch (cause) {
      throw new RangeError(`Cannot predict with "${name}": ONNX Runtime refuses it, a whole file is needed`, { cause });
    }
  }

  /** Answers to picture files, in their order; or says why one cannot be read. */
  async predict(files: readonly string[]): Promise<readonly (PicturePrediction | BadImage)[]> {
    const { input } = this.#description;
    const pictures = await fitPictures(files, input);
    return pictures.map((picture) => "because" in picture ? picture : this.#answer(picture));
  }

  /** Frees the session. */
  dispose(): void {
    this.#model.dispose();
  }

  #answer({ file, bytes, placement }: FittedPicture): PicturePrediction {
    const { input } = this.#description;
    const answers = this.#model.predict({ [input.name]: valuesOf(bytes, input) });
    const { width, height } = placement.original;
    this.#refuseInfinite(answers, file);
    return { file, width, height, answers: this.#read(answers, 0, { placement, shape: input }) };
  }

  /** JSON has no such numbers, and nothing can be said of them. */
  #refuseInfinite(answers: Answers, file: string): void {
    const bad = Object.entries(answers).find(([, { values }]) => !values.every(Number.isFinite));
    if (bad === undefined) return;
    throw new RangeError(
      `Cannot predict with "${this.#name}": its output "${bad[0]}" has numbers for "${file}" that are not finite`,
    );
  }
}

/** How files of a target are run. */
function sessionOf({ target }: FileDescription) {
  return TARGETS.find(({ name }) => name === target)?.file?.session ?? {};
}

/** What goes into the file: bytes, or normalized numbers, in the file's layout. */
function valuesOf(
  bytes: Uint8Array,
  { height, width, channels, layout, normalize }: FileInput,
): Uint8Array | Float32Array {
  const pixels = height * width;
  // By the place in the file's layout of each byte of [height, width, channels].
  const place = (i: number) => layout === "nhwc" ? i : (i % channels) * pixels + Math.floor(i / channels);
  if (normalize === undefined) {
    const out = new Uint8Array(bytes.length);
    bytes.forEach((byte, i) => out[place(i)] = byte);
    return out;
  }
  const table = normalizeTable(normalize, channels);
  const out = new Float32Array(bytes.length);
  bytes.forEach((byte, i) => out[place(i)] = table[256 * (i % channels) + byte]);
  return out;
}

/** What an exported file answers to pictures, drawn onto copies of them. */
import { basename, extname, join } from "node:path";
import { type BadImage, listPictures } from "../data/sources/picture_files.ts";
import { drawAnswers, drawMask } from "../predict/draw.ts";
import { type PicturePrediction, Predictor } from "../predict/predict.ts";
import { describeAnswer } from "../predict/words.ts";
import { DISPLAY, type Displayable } from "../report/notebook/display.ts";
import { picturesForms, type ShownPicture } from "../report/notebook/pictures.ts";
import { ensureWritableDirectory, OutputError, refuseLinks, writeFileAtomic } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { describeFailure } from "../src/io/errors.ts";
import { readFileWithin } from "../src/io/read.ts";
import { handleEvents } from "../src/events.ts";
import { plainLine } from "../src/text/plain.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { lineLog } from "./_job.ts";
import { DEPLOYED_FILES } from "./_outputs.ts";
import {
  type PredictEvents,
  type PredictOptions,
  type ResolvedPredict,
  resolvePredictOptions,
} from "./predict/options.ts";

export type { PredictEvents, PredictOptions };

/** What a file answered to a picture, and where that is drawn. */
export interface Prediction extends PicturePrediction {
  /** The copy with what was found in it; absent where nothing is written. */
  readonly drawn?: string;
  /** A grey PNG with the class of each pixel, as large as the picture; absent where there is none. */
  readonly mask?: string;
}

/** Predictions, which a notebook shows as pictures. */
export type Predictions = readonly Prediction[] & Displayable;

/** Pictures that a notebook shows at the most. */
const MOST_SHOWN = 24;

/** Pictures that are read at once. */
const AT_ONCE = 16;

/** Most bytes of an ONNX file: protobuf holds no more. */
const MOST_BYTES = 2 ** 31;

/**
 * Answers to pictures with an exported file: how they are fed, and what the answers mean, is all told by the file.
 *
 * Draws what was found onto copies of the pictures; with `options.out` they are written there, each as soon as it is drawn.
 *
 * @returns A prediction for each picture, in their order; a notebook shows the first ones.
 * @throws {RangeError} If an option is out of range, the file does not say how it is fed and read, or a picture cannot be read.
 * @throws {OnnxFileError} If it is no ONNX file.
 * @throws {OutputError} If `options.out` has such pictures already or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const [{ answers }] = await predict({ model: "out", pictures: ["cat.jpg"] });
 * console.log(answers);
 * ```
 */
export function predict(options: PredictOptions, events: PredictEvents = {}): Promise<Predictions> {
  return inPlainWords(() => run(resolvePredictOptions(options), events));
}

async function run(options: ResolvedPredict, events: PredictEvents): Promise<Predictions> {
  const log = lineLog(events);
  const files = await listPictures(options.pictures);
  const places = placesFor(files, options);
  const path = modelFile(options.model);
  const { threads, precise, scoreThreshold, nmsIou } = options;
  const given = Object.entries({ threads, precise, scoreThreshold, nmsIou }).filter(([, value]) => value !== undefined);
  const predictor = new Predictor(await readModel(path), { name: path, ...Object.fromEntries(given) });
  if (options.out !== undefined) ensureWritableDirectory(options.out);
  const [predictions, shown]: [Prediction[], ShownPicture[]] = [[], []];
  try {
    for (let first = 0; first < files.length; first += AT_ONCE) {
      await handleEvents();
      events.signal?.throwIfAborted();
      for (const answered of await predictor.predict(files.slice(first, first + AT_ONCE))) {
        const done = "because" in answered ? answered : await finish(answered, { options, places, shown });
        if ("because" in done) leaveOut(done, { options, log });
        else predictions.push(done);
      }
      events.onWork?.({ name: "predict", done: Math.min(first + AT_ONCE, files.length), of: files.length });
    }
  } finally {
    predictor.dispose();
  }
  if (predictions.length === 0) throw new RangeError("Cannot predict: none of the pictures can be read");
  const forms = () => picturesForms(shown, predictions.length - shown.length);
  return Object.defineProperty(Object.assign(predictions, { [DISPLAY]: forms }), DISPLAY, { enumerable: false });
}

interface Finishing {
  readonly options: ResolvedPredict;
  readonly places: ReadonlyMap<string, string>;
  /** Pictures for a notebook are added to it. */
  readonly shown: ShownPicture[];
}

/** Draws a prediction, and writes it where that is asked for. */
async function finish(
  prediction: PicturePrediction,
  { options: { out, draw }, places, shown }: Finishing,
): Promise<Prediction | BadImage> {
  if (!draw || (out === undefined && shown.length >= MOST_SHOWN)) return prediction;
  const { file, answers } = prediction;
  const drawing = await drawAnswers(file, answers);
  if ("because" in drawing) return drawing;
  if (shown.length < MOST_SHOWN) shown.push({ png: drawing.png, caption: captionOf(prediction) });
  const drawn = places.get(file);
  if (drawn === undefined) return prediction;
  writeFileAtomic(drawn, drawing.png);
  const [mask] = answers.flatMap((answer) => answer.kind === "mask" ? [answer.mask] : []);
  if (mask === undefined) return { ...prediction, drawn };
  const path = maskPlace(drawn);
  writeFileAtomic(path, await drawMask(mask, prediction));
  return { ...prediction, drawn, mask: path };
}

/** Says what was answered to a picture, in a line. */
function captionOf({ file, answers }: PicturePrediction): string {
  const words = answers.flatMap(describeAnswer).map(({ text }) => text).join("; ");
  return `${plainLine(basename(file), 100)}: ${words}`;
}

/** @throws {RangeError} If pictures that cannot be read are not to be left out. */
function leaveOut({ file, because }: BadImage, { options: { skipBadImages }, log }: {
  readonly options: ResolvedPredict;
  readonly log: (line: string) => void;
}): void {
  if (!skipBadImages) throw new RangeError(`Cannot read the picture "${file}": ${because}`);
  log(`Left out "${file}": ${because}.`);
}

/** Says where the copy of each picture goes: pictures of one name get numbers. */
function placesFor(files: readonly string[], { out, overwrite }: ResolvedPredict): ReadonlyMap<string, string> {
  if (out === undefined) return new Map();
  const places = new Map<string, string>();
  const taken = new Set<string>();
  for (const file of files) {
    const stem = basename(file, extname(file));
    let place = join(out, `${stem}.png`);
    for (let copy = 2; taken.has(place.toLowerCase()); copy++) place = join(out, `${stem}-${copy}.png`);
    taken.add(place.toLowerCase());
    places.set(file, place);
  }
  const sources = new Set(files.map((file) => join(file)));
  for (const place of [...places.values()].flatMap((place) => [place, maskPlace(place)])) {
    if (sources.has(join(place))) {
      throw new OutputError(`Cannot write to "${place}": it is one of the pictures, another --out is needed`);
    }
    if (!overwrite && exists(place)) {
      throw new OutputError(`Cannot write to "${place}": it is there already, --overwrite replaces it`);
    }
    if (exists(place)) refuseLinks(out, place);
  }
  return places;
}

function maskPlace(drawn: string): string {
  return drawn.replace(/\.png$/, ".mask.png");
}

/** The file to run: the one that is named, or what a job left in the folder that is. */
function modelFile(path: string): string {
  if (!exists(path) || !Deno.statSync(path).isDirectory) return path;
  const found = DEPLOYED_FILES.map((name) => join(path, name)).find(exists);
  if (found !== undefined) return found;
  throw new RangeError(
    `Cannot predict with "${path}": the folder has no exported file, ${DEPLOYED_FILES[0]} is needed`,
  );
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFileWithin(path, { most: MOST_BYTES });
  } catch (cause) {
    throw new RangeError(`Cannot predict with "${path}": ${describeFailure(cause)}`, { cause });
  }
}

/** Answers of exported files to pictures, as people and programs read them. */
export type * from "./answer.ts";
export type { PicturePrediction } from "./predict.ts";
export { describeAnswer, type Line } from "./words.ts";

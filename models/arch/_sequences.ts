/** What architectures of sequences begin with: a vector at each position, [n, t, width]. */
import * as tfl from "@tensorflow/tfjs-layers";
import { applyTo, type ArchOptions, type Blocks } from "./_blocks.ts";

const { layers } = tfl;

/** Where a model of sequences begins. */
export interface Beginning {
  /** Tokens [n, t], int32, pictures [n, h, w, c], or rows [n, t, columns]. */
  readonly input: tfl.SymbolicTensor;
  /** [n, t, …]: rows of pixels or numbers, or a vector for each token. */
  readonly sequence: tfl.SymbolicTensor;
}

/** Deviation of the vectors that tokens start from. */
const EMBEDDING_DEVIATION = 0.05;

/**
 * Makes an input for tokens, each with a vector of `width` numbers that is learned, or one for pictures, whose rows of
 * pixels are the sequence, or for rows of numbers, of which those behind a sequence's end are left out.
 */
export function beginSequence(
  { inputShape, padding, tokens }: Pick<ArchOptions, "inputShape" | "padding" | "tokens">,
  { width, blocks }: { readonly width: number; readonly blocks: Blocks },
): Beginning {
  if (tokens === undefined && inputShape.length === 2) {
    const input = tfl.input({ shape: [...inputShape], name: "series" });
    if (padding === undefined) return { input, sequence: input };
    return { input, sequence: applyTo(layers.masking({ name: "masking", maskValue: padding }), input) };
  }
  if (tokens === undefined) {
    const [height, pixels, channels] = inputShape;
    const input = tfl.input({ shape: [...inputShape], name: "image" });
    return {
      input,
      sequence: applyTo(layers.reshape({ name: "rows", targetShape: [height, pixels * channels] }), input),
    };
  }
  const input = tfl.input({ shape: [...inputShape], dtype: "int32", name: "tokens" });
  const embedding = layers.embedding({
    name: "embedding",
    inputDim: tokens.size,
    outputDim: width,
    embeddingsInitializer: blocks.normal("embedding", EMBEDDING_DEVIATION),
  });
  return { input, sequence: applyTo(embedding, input) };
}

/** Registration of this room's layers with TF.js. */
import * as tf from "@tensorflow/tfjs-core";
import { FakeQuantize } from "./fake_quantize_layer.ts";
import { FreezableBatchNormalization } from "./freezable_batch_normalization.ts";
import { QuantizedWeights } from "./quantized_weights.ts";
import { SharedCall } from "./shared_call.ts";

/** Registers this room's layers, so that models with them load. Again is harmless. */
export function registerQuantLayers(): void {
  tf.serialization.registerClass(FakeQuantize);
  tf.serialization.registerClass(QuantizedWeights);
  tf.serialization.registerClass(FreezableBatchNormalization);
  tf.serialization.registerClass(SharedCall);
}

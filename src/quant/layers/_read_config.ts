/** Reads what is saved of a quantized layer: the edge at which configs may hold anything. */
import { serialization } from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { CODE_TYPES, isCodeType } from "../../numbers/codes.ts";
import {
  type CodeRange,
  faultOfQParams,
  faultOfScheme,
  type Granularity,
  PER_TENSOR,
  perChannel,
  type QParams,
  type QuantScheme,
} from "../../numbers/scheme.ts";
import { suggestName } from "../../text/nearest.ts";
import { showValue } from "../../text/plain.ts";
import { reasonOf } from "../../text/plain_errors.ts";
import { isObserverName, OBSERVER_NAMES, type ObserverName } from "../observers/mod.ts";
import { isWeightObserverName, WEIGHT_OBSERVER_NAMES, type WeightObserverName } from "../observers/weights.ts";
import { axis, flag } from "./_check_args.ts";
import type { Layer } from "./layer.ts";
import { QuantizedLayerError } from "./quantized_layer.ts";
import type { QuantizedWeight } from "./weight_channels.ts";

type Json = serialization.ConfigDictValue;

/**
 * Reads the scheme of layer `name`.
 *
 * Also as files of the first version have it, with `bits`, `signed` and an `axis` that may be missing or null.
 *
 * @throws {QuantizedLayerError} If a part of it is missing, of another type, unknown or impossible.
 */
export function readScheme(value: Json | undefined, name: string): QuantScheme {
  const refuse = (what: string): never => {
    throw new QuantizedLayerError(name, `its scheme ${what}`);
  };
  if (!isRecord(value)) return refuse(`is ${showValue(value)}, an object is needed`);
  const { qmin, qmax, symmetric, span } = value;
  const dtype = "dtype" in value ? value.dtype : firstDType(value, refuse);
  if (typeof dtype !== "string") return refuse(`has dtype ${showValue(dtype)}, a name is needed`);
  if (!isCodeType(dtype)) {
    return refuse(`has dtype ${showValue(dtype)}, ${suggestName(dtype, CODE_TYPES)}`);
  }
  if (typeof qmin !== "number" || typeof qmax !== "number") {
    return refuse(`has codes ${showValue(qmin)} to ${showValue(qmax)}, two numbers are needed`);
  }
  if (typeof symmetric !== "boolean") return refuse(`has symmetric ${showValue(symmetric)}, true or false is needed`);
  if (span !== undefined && typeof span !== "number") return refuse(`has span ${showValue(span)}, a number is needed`);
  const granularity = readGranularity(value, refuse);
  const scheme = { dtype, qmin, qmax, symmetric, granularity, ...(span === undefined ? {} : { span }) };
  checkScheme(scheme, name);
  return scheme;
}

/** @throws {QuantizedLayerError} If the scheme of layer `name` is impossible. */
export function checkScheme(scheme: QuantScheme, name: string): void {
  const fault = faultOfScheme(scheme);
  if (fault !== undefined) throw new QuantizedLayerError(name, fault);
}

/** @throws {QuantizedLayerError} If it is no list of weights that can be quantized; a file may hold anything. */
export function checkSpecs(specs: unknown, layer: string): void {
  const needed = "a list of a name and an axis for each is needed";
  if (!Array.isArray(specs)) {
    throw new QuantizedLayerError(layer, `its weights are ${showValue(specs)}, ${needed}`);
  }
  for (const spec of specs as readonly unknown[]) {
    const { name, axis: of } = typeof spec === "object" && spec !== null ? spec as Partial<QuantizedWeight> : {};
    if (typeof name !== "string" || !axis.holds(of)) {
      throw new QuantizedLayerError(layer, `its weights have ${showValue(spec)}, ${needed}`);
    }
    const { depthwise } = spec as Partial<QuantizedWeight>;
    if (depthwise === undefined || flag.holds(depthwise)) continue;
    throw new QuantizedLayerError(
      layer,
      `its weight ${name} has depthwise ${showValue(depthwise)}, ${flag.needed} is needed`,
    );
  }
}

/**
 * Reads the known grid of layer `name`, null where it has none.
 *
 * @throws {QuantizedLayerError} If a part of it is missing or of another type.
 */
export function readFixed(value: Json | undefined, name: string): QParams | null {
  if (value === undefined || value === null) return null;
  const { scale, zeroPoint } = isRecord(value) ? value : {};
  if (typeof scale === "number" && typeof zeroPoint === "number") return { scale, zeroPoint };
  throw new QuantizedLayerError(name, `its fixed grid is ${showValue(value)}, a scale and a zeroPoint are needed`);
}

/**
 * Reads the observer of layer `name`, by default "moving-average".
 *
 * @throws {QuantizedLayerError} If there is none of that name.
 */
export function readObserver(value: Json | undefined, name: string): ObserverName {
  if (value === undefined || value === null) return "moving-average";
  if (typeof value === "string" && isObserverName(value)) return value;
  const needed = suggestName(typeof value === "string" ? value : "", OBSERVER_NAMES);
  throw new QuantizedLayerError(name, `its observer is ${showValue(value)}, ${needed}`);
}

/**
 * Reads how the scales of the weights of layer `name` are found, by default "min-max".
 *
 * @throws {QuantizedLayerError} If there is no such way.
 */
export function readWeightObserver(value: unknown, name: string): WeightObserverName {
  if (value === undefined || value === null) return "min-max";
  if (typeof value === "string" && isWeightObserverName(value)) return value;
  const needed = suggestName(typeof value === "string" ? value : "", WEIGHT_OBSERVER_NAMES);
  throw new QuantizedLayerError(name, `the observer of its weights is ${showValue(value)}, ${needed}`);
}

/**
 * Reads the momentum of the moving average of layer `name`, by default 0.01.
 *
 * @throws {QuantizedLayerError} If it is not in (0, 1].
 */
export function readMomentum(value: Json | undefined, name: string): number {
  if (value === undefined || value === null) return 0.01;
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  throw new QuantizedLayerError(name, `its momentum is ${showValue(value)}, a number in (0, 1] is needed`);
}

/** @throws {QuantizedLayerError} If layer `name` cannot have this scale and zero point. */
export function checkQParams(params: QParams, codes: CodeRange, name: string): void {
  const fault = faultOfQParams(params, codes);
  if (fault !== undefined) throw new QuantizedLayerError(name, fault);
}

/**
 * Makes the layer that is saved within the one called `name`.
 *
 * @throws {QuantizedLayerError} If its class is not registered, or no layer's, or refuses its configuration.
 */
export function readLayer(serialized: Json | undefined, name: string): Layer {
  const { className, config } = isRecord(serialized) ? serialized : {};
  const { classNameMap } = serialization.SerializationMap.getMap();
  if (typeof className !== "string" || !Object.hasOwn(classNameMap, className)) {
    throw new QuantizedLayerError(name, `its layer has class ${showValue(className)}, a registered one is needed`);
  }
  if (!isRecord(config)) {
    throw new QuantizedLayerError(name, `its layer has config ${showValue(config)}, an object is needed`);
  }
  const layer = makeLayer(className, { config, name });
  if (layer instanceof tfl.layers.Layer) return layer;
  throw new QuantizedLayerError(name, `its layer has class "${className}", which is no layer`);
}

function makeLayer(
  className: string,
  { config, name }: { readonly config: serialization.ConfigDict; readonly name: string },
): serialization.Serializable {
  const [cls, fromConfig] = serialization.SerializationMap.getMap().classNameMap[className];
  try {
    return fromConfig(cls, config);
  } catch (cause) {
    const because = reasonOf(cause, "its configuration is damaged");
    throw new QuantizedLayerError(name, `its layer cannot be made: ${because}`);
  }
}

type Refuse = (what: string) => never;

function firstDType({ bits, signed }: serialization.ConfigDict, refuse: Refuse): string {
  if (typeof bits !== "number") return refuse(`has bits ${showValue(bits)}, a number is needed`);
  if (typeof signed !== "boolean") return refuse(`has signed ${showValue(signed)}, true or false is needed`);
  return `${signed ? "int" : "uint"}${bits}`;
}

function readGranularity({ granularity, axis: first = null }: serialization.ConfigDict, refuse: Refuse): Granularity {
  if (granularity === undefined) {
    if (first === null) return PER_TENSOR;
    if (typeof first === "number" && axis.holds(first)) return perChannel(first);
    return refuse(`has axis ${showValue(first)}, ${axis.needed} is needed`);
  }
  const { kind, axis: own } = isRecord(granularity) ? granularity : {};
  if (kind === "per-tensor") return PER_TENSOR;
  if (kind === "per-channel" && typeof own === "number" && axis.holds(own)) return perChannel(own);
  return refuse(`has granularity ${showValue(granularity)}, "per-tensor" or "per-channel" with an axis is needed`);
}

function isRecord(value: Json | undefined): value is serialization.ConfigDict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

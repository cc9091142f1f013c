/** Where ONNX Runtime ran, in words. Private to `export/report`. */
import { count, plural } from "./_format.ts";
import type { DeviceReport } from "./report.ts";

/** What ONNX Runtime calls the provider that runs what a device does not have. */
const CPU = "CPUExecutionProvider";

/** Says where ONNX Runtime ran, and why if it is not where it was asked to. */
export function describeDevice({ asked, ran, because, operators = {} }: DeviceReport): string {
  if (asked !== ran) return `${ran}, since ${asked} cannot be used: ${because}`;
  const onCpu = operators[CPU] ?? 0;
  const all = Object.values(operators).reduce((sum, times) => sum + times, 0);
  return onCpu === 0 ? ran : `${ran}, ${count(onCpu)} of the int8 model's ${plural(all, "operator")} on the CPU`;
}

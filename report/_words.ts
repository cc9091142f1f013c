/** What a report says in words, the same in the terminal and on the page. */
import type { GridAgreement } from "../export/agreement.ts";
import type { Codes } from "../models/summary.ts";
import { agreementPercent, count, percent, plural, ratio, significant } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
import type {
  AgreementReport,
  DeclinedReport,
  DeviceReport,
  IntervalReport,
  MetricReport,
  OfBoth,
  Report,
  TaskAgreement,
} from "./schema.ts";

/** The device that ran the files, if it is another than the CPU. */
export function otherDevice({ device }: Report): string | undefined {
  return device === undefined || device.ran === "cpu" ? undefined : device.ran;
}

/** What becomes of an int8 file on another device. */
export function describeInFloat(device: string): string {
  return "ONNX Runtime makes integer kernels of pairs of QuantizeLinear and DequantizeLinear on the CPU alone; " +
    `on ${device} what lies between them runs in float.`;
}

/** What ONNX Runtime calls the provider that runs what a device does not have. */
const CPU = "CPUExecutionProvider";

/** Says where ONNX Runtime ran, and why if it is not where it was asked to. */
export function describeDevice({ asked, ran, because, operators = {} }: DeviceReport): string {
  if (asked !== ran) return `${ran}, since ${asked} cannot be used: ${because}`;
  const onCpu = operators[CPU] ?? 0;
  const all = Object.values(operators).reduce((sum, times) => sum + times, 0);
  return onCpu === 0 ? ran : `${ran}, ${count(onCpu)} of the int8 model's ${plural(all, "operator")} on the CPU`;
}

/** Says how far an output's codes, or its values, differ between simulation and file. */
export function describeAgreement(agreement: AgreementReport): string {
  const { compared, count: all } = agreement;
  if (compared === "values") {
    const { maxError, rmsError, lastGrids = [] } = agreement;
    const before = lastGrids.map(({ layer, ...codes }) => `; of ${layer} before it ${describeCodesOf(codes, "code")}`);
    const values = maxError === 0
      ? describeEqual(all, "output value")
      : `${plural(all, "output value")} ${all === 1 ? "differs" : "differ"} by ${significant(maxError)} at most, ${
        significant(rmsError)
      } root mean square`;
    return `${values}${before.join("")}`;
  }
  return describeCodesOf(agreement, "output code");
}

/** Says how evaluation differs from training, which computes with float operators: "41 of 100,000 …"; nothing if unknown. */
export function describeTraining({ trainingAgreement = [] }: Report): string {
  const several = trainingAgreement.length > 1;
  return trainingAgreement.map((entry) => `${describeAgreement(entry)}${several ? ` (${entry.output})` : ""}`).join(
    "; ",
  );
}

function describeCodesOf(
  { count: all, different, maxDifference }: Pick<GridAgreement, "count" | "different" | "maxDifference">,
  what: string,
): string {
  if (different === 0) return describeEqual(all, what);
  return `${count(different)} of ${plural(all, what)} ${
    different === 1 ? "differs" : "differ"
  }, by ${maxDifference} at most`;
}

function describeEqual(all: number, what: string): string {
  return all === 1 ? `the one ${what} is equal` : `all ${plural(all, what)} are equal`;
}

/** The one figure of an output's agreement: like answers, else equal codes, else the largest error. */
export function summarizeAgreement(agreement: AgreementReport): { readonly value: string; readonly of: string } {
  const { alike, compared, count: all } = agreement;
  if (alike !== undefined) return { value: agreementPercent(alike), of: "answers" };
  if (compared === "codes") return { value: agreementPercent(1 - agreement.different / all), of: "output codes" };
  return { value: `±${significant(agreement.maxError)}`, of: "output values" };
}

/** Says how sure the change from float is: "95% interval -0.21 to +0.05, p = 0.21"; nothing where nobody knows. */
export function describeCertainty({ change, unit, float, simulated, deployed }: MetricReport): string {
  if (change === undefined) return "";
  const { difference } = unitFormat(unit, [float, simulated, deployed]);
  const { low, high, confidence, p } = change;
  return `${describeConfidence(confidence)} interval ${difference(0, low)} to ${difference(0, high)}, ${describeP(p)}`;
}

/** Writes an interval of a metric's values as "92.36 to 95.51", in the unit of the metric. */
export function describeInterval({ low, high }: IntervalReport, { unit, float, simulated, deployed }: MetricReport) {
  const { value } = unitFormat(unit, [float, simulated, deployed]);
  return `${withoutUnit(value(low))} to ${withoutUnit(value(high))}`;
}

/** Says how much of what float takes the deployed model does: "41% of float"; nothing where float takes nothing. */
export function describeShare({ float, deployed }: OfBoth): string {
  return float > 0 ? `${percent(deployed / float, 0)} of float` : "";
}

/** Share of what a task counts that has to come to the same in the simulated and the deployed model. */
const ENOUGH_ALIKE = 0.999;

/** Says how often both come to the same by what the task is after: "3,120 of 3,121 boxes at IoU 0.99". */
export function describeTaskAgreement(
  { what, same, of }: TaskAgreement,
): { readonly value: string; readonly words: string; readonly isEnough: boolean } {
  const share = of === 0 ? 1 : same / of;
  return {
    value: agreementPercent(share),
    words: `${count(same)} of ${count(of)} ${what}`,
    isEnough: share >= ENOUGH_ALIKE,
  };
}

/** Says how many samples each part of the data has. */
export function describeParts({ train, validation, test }: NonNullable<Report["data"]> = { name: "" }) {
  return [
    ...(train === undefined ? [] : [`${count(train)} to train`]),
    ...(validation === undefined ? [] : [`${count(validation)} to choose the epoch`]),
    ...(test === undefined ? [] : [`${count(test)} to test`]),
  ];
}

/** Says why times say little. */
export function describeDoubt(unsteady: string): string {
  return `The machine was busy, and these times say little: ${unsteady}.`;
}

/** Writes how sure an interval is: "95%". */
export function describeConfidence(confidence: number): string {
  return `${Number((100 * confidence).toPrecision(4))}%`;
}

function describeP(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${Number(p.toPrecision(2))}`;
}

function withoutUnit(value: string): string {
  return value.replace(/(?<=\d)(%| .*)$/, "");
}

/** Says what became of the file's size, by float size over int8 size. */
export function describeShrinkage(shrinkage: number): string {
  return shrinkage >= 1 ? `${ratio(shrinkage)} smaller` : `${ratio(1 / shrinkage)} larger`;
}

/** What passes declined, without what is told already as the reason why an operator runs in float. */
export function otherDeclined({ declined = [], fusion }: Report): readonly DeclinedReport[] {
  const told = new Set(fusion?.float.map(({ layer, because }) => `${layer}\n${because}`));
  return declined.filter(({ layer = "", because }) => !told.has(`${layer}\n${because}`));
}

/** Whether metrics of several outputs are in the report, so that they must be told apart. */
export function hasSeveralOutputs({ metrics }: Report): boolean {
  return metrics.some(({ output }) => output !== metrics[0].output);
}

/** Writes a shape as "32×32×3"; "?" is open. */
export function describeShape(shape: readonly (number | null)[]): string {
  return shape.length === 0 ? "number" : shape.map((side) => side ?? "?").join("×");
}

/** Writes codes as their type, and their ends where those say more. */
export function describeCodes(codes: Codes | undefined): string {
  if (codes === undefined) return "";
  const { dtype, qmin, qmax } = codes;
  return dtype ?? `${qmin}..${qmax}`;
}

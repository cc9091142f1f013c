/** Latency and size. */
import { byteSize, escapeHtml, milliseconds, plural, ratio } from "../_format.ts";
import { modelWords } from "../_method_words.ts";
import { describeDoubt, describeShrinkage } from "../_words.ts";
import { cssPercent, type HtmlSection, section } from "./_markup.ts";

/** Bars of latency and size; nothing where there is no file. */
export const costSection: HtmlSection = {
  name: "cost",
  render: (report, { speedup, shrinkage }) => {
    const { latencyMs, bytes, machine } = report;
    const { short } = modelWords(report);
    if (bytes === undefined || shrinkage === undefined) return undefined;
    const size = group("Size of the ONNX file", {
      float: { value: bytes.float, text: byteSize(bytes.float) },
      deployed: { value: bytes.deployed, text: byteSize(bytes.deployed), note: describeShrinkage(shrinkage) },
    }, short);
    if (latencyMs === undefined) {
      return section("Size", { lead: "Latency was not measured.", body: `<div class="bars">${size}</div>` });
    }
    const { float, deployed, batch, threads, unsteady } = latencyMs;
    const time = group("Median time of a run", {
      float: { value: float.p50, text: milliseconds(float.p50), note: `p95 ${milliseconds(float.p95)}` },
      deployed: {
        value: deployed.p50,
        text: milliseconds(deployed.p50),
        note: `p95 ${milliseconds(deployed.p95)} · ${ratio(speedup)} as fast`,
      },
    }, short);
    const where = machine === undefined ? "" : ` ${escapeHtml(machine)}.`;
    return section("Latency and size", {
      lead: `Warm runs in ONNX Runtime, batch ${batch}, ${plural(threads, "thread")}; ` +
        `p95 is the 95th percentile.${where}` +
        (unsteady === undefined ? "" : ` <span class="fair">${escapeHtml(describeDoubt(unsteady))}</span>`),
      body: `<div class="bars">${time}${size}</div>`,
    });
  },
};

interface Bar {
  readonly value: number;
  readonly text: string;
  readonly note?: string;
}

function group(heading: string, bars: { readonly float: Bar; readonly deployed: Bar }, short: string): string {
  const longest = Math.max(bars.float.value, bars.deployed.value);
  const row = (kind: "float" | "int8", name: string, { value, text, note = "" }: Bar) =>
    `<div class="bar"><span>${name}</span><span class="track">` +
    `<span class="fill ${kind}" style="width:${cssPercent(0.62 * value / longest)}"></span>` +
    `<span><b>${text}</b> <small>${note}</small></span></span></div>`;
  return `<div><h3>${heading}</h3>${row("float", "float", bars.float)}${row("int8", short, bars.deployed)}</div>`;
}

/** Latency and size. */
import { byteSize, escapeHtml, milliseconds, plural, ratio } from "../_format.ts";
import { describeDoubt, describeShrinkage } from "../_words.ts";
import { cssPercent, type HtmlSection, section } from "./_markup.ts";

/** Bars of latency and size; nothing where there is no file. */
export const costSection: HtmlSection = {
  name: "cost",
  render: ({ latencyMs, bytes, machine }, { speedup, shrinkage }) => {
    if (bytes === undefined || shrinkage === undefined) return undefined;
    const size = group("Size of the ONNX file", {
      float: { value: bytes.float, text: byteSize(bytes.float) },
      int8: { value: bytes.deployed, text: byteSize(bytes.deployed), note: describeShrinkage(shrinkage) },
    });
    if (latencyMs === undefined) {
      return section("Size", { lead: "Latency was not measured.", body: `<div class="bars">${size}</div>` });
    }
    const { float, deployed, batch, threads, unsteady } = latencyMs;
    const time = group("Median time of a run", {
      float: { value: float.p50, text: milliseconds(float.p50), note: `p95 ${milliseconds(float.p95)}` },
      int8: {
        value: deployed.p50,
        text: milliseconds(deployed.p50),
        note: `p95 ${milliseconds(deployed.p95)} · ${ratio(speedup)} as fast`,
      },
    });
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

function group(heading: string, bars: { readonly float: Bar; readonly int8: Bar }): string {
  const longest = Math.max(bars.float.value, bars.int8.value);
  const row = (name: "float" | "int8", { value, text, note = "" }: Bar) =>
    `<div class="bar"><span>${name}</span><span class="track">` +
    `<span class="fill ${name}" style="width:${cssPercent(0.62 * value / longest)}"></span>` +
    `<span><b>${text}</b> <small>${note}</small></span></span></div>`;
  return `<div><h3>${heading}</h3>${row("float", bars.float)}${row("int8", bars.int8)}</div>`;
}

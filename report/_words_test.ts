import assert from "node:assert/strict";
import { describeDevice, otherDeclined } from "./_words.ts";
import { trainedReport } from "./_test_sample_report.ts";
import { renderHtml } from "./html/html.ts";
import { formatReport } from "./terminal/terminal.ts";

const refused = { asked: "webgpu", ran: "cpu", because: "Failed to get a WebGPU adapter: No <supported> adapters" };
const mixed = {
  asked: "cuda",
  ran: "cuda",
  operators: { CUDAExecutionProvider: 1200, CPUExecutionProvider: 14 },
};

Deno.test("describeDevice() says where ONNX Runtime ran and why not elsewhere", () => {
  assert.equal(describeDevice({ asked: "cpu", ran: "cpu" }), "cpu");
  assert.equal(describeDevice({ asked: "cuda", ran: "cuda", operators: { CUDAExecutionProvider: 3 } }), "cuda");
  assert.equal(describeDevice(mixed), "cuda, 14 of the int8 model's 1,214 operators on the CPU");
  assert.equal(
    describeDevice(refused),
    "cpu, since webgpu cannot be used: Failed to get a WebGPU adapter: No <supported> adapters",
  );
});

Deno.test("formatReport() tells of the device where another than the cpu was asked for", () => {
  const words = (text: string) => text.replace(/\s+/g, " ");
  assert.ok(
    words(formatReport({ ...trainedReport(), device: refused })).includes(`Ran on ${describeDevice(refused)}.`),
  );
  assert.ok(words(formatReport({ ...trainedReport(), device: mixed })).includes(`Ran on ${describeDevice(mixed)}.`));
  const plain = { ...trainedReport(), device: { asked: "cpu", ran: "cpu" } };
  assert.equal(formatReport(plain), formatReport(trainedReport()));
});

Deno.test("renderHtml() names the backend that trained and the device, as text", () => {
  const html = renderHtml({ ...trainedReport(), backend: "tensorflow", device: refused });
  assert.match(html, />trained on<[^]*?>tensorflow</);
  assert.match(html, />device<[^]*?>cpu, since webgpu cannot be used: [^<]*No &lt;supported&gt; adapters</);
  assert.doesNotMatch(renderHtml(trainedReport()), />device</);
});

Deno.test("otherDeclined() leaves out what tells already why an operator runs in float", () => {
  const told = { pass: "placeQdq", node: "a/Reshape", op: "Reshape", layer: "a", because: "its grids differ" };
  const other = { ...told, layer: "b" };
  const nameless = { pass: "fold", node: "n", op: "Mul", because: "it is read twice" };
  const float = [{ op: "Reshape", node: "a/Reshape_1", layer: "a", because: "its grids differ" }];
  const report = { ...trainedReport(), declined: [told, other, nameless], fusion: { int8: {}, float } };
  assert.deepEqual(otherDeclined(report), [other, nameless]);
});

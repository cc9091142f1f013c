/** The main job on real input: TensorSpace's LeNet on MNIST. */
import assert from "node:assert/strict";
import { withFolder } from "../job/_test_support.ts";
import { runQat } from "../job/qat.ts";
import { sharedPath, testWithShared } from "./_support/shared.ts";

testWithShared(
  "runQat() deploys LeNet without loss on part of MNIST",
  "models/lenet_mnist",
  (model) =>
    withFolder(async (out) => {
      const data = sharedPath("data/mnist");
      assert.ok(data !== undefined, "the models' folder has its data beside it");
      const report = await runQat({ model, data: `mnist:${data}`, out, epochs: 1, limit: 3000, lr: 1e-4 });
      const { accuracy, agreement, fusion } = report;
      assert.equal(accuracy.samples, 3000);
      assert.ok(accuracy.float > 0.95, `float ${accuracy.float}`);
      assert.ok(
        accuracy.deployed >= accuracy.float - 0.005,
        `${accuracy.deployed} deployed, ${accuracy.float} in float`,
      );
      assert.ok(agreement.top1 >= 0.999, `${agreement.top1} answers alike`);
      assert.deepEqual(fusion.float, []);
      assert.deepEqual([fusion.int8.QLinearConv, fusion.int8.QGemm], [2, 3]);
      assert.ok(report.bytes.int8 < report.bytes.float / 3);
    }),
);

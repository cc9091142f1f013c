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
      const report = await runQat({
        model,
        data: `mnist:${data}`,
        out,
        epochs: 1,
        limit: 3000,
        lr: 1e-4,
        precise: true,
      });
      const { metrics: [{ float, deployed, count }], agreement: [{ alike }] = [], fusion, bytes } = report;
      assert.equal(count, 3000);
      assert.ok(float! > 0.95, `float ${float}`);
      assert.ok(deployed! >= float! - 0.005, `${deployed} deployed, ${float} in float`);
      assert.ok(alike! >= 0.999, `${alike} answers alike`);
      assert.deepEqual(fusion!.float, []);
      assert.deepEqual([fusion!.int8.QLinearConv, fusion!.int8.QGemm], [2, 3]);
      assert.ok(bytes!.deployed < bytes!.float / 3);
    }),
);

import assert from "node:assert/strict";
import { Budget } from "./_budget.ts";

Deno.test("Budget.start() runs no more at once than it may, in order, and finishes all", async () => {
  const budget = new Budget({ atOnce: 3, most: 10 });
  const costs = [4, 4, 4, 1, 1, 1, 1, 25, 2, 9, 1];
  const running = new Set<number>();
  const order: number[] = [];
  let most = 0;
  for (const [i, cost] of costs.entries()) {
    await budget.start(cost, async () => {
      running.add(i);
      order.push(i);
      const held = [...running].reduce((sum, j) => sum + costs[j], 0);
      assert.ok(running.size <= 3 && (held <= 10 || running.size === 1), `${[...running]}`);
      most = Math.max(most, running.size);
      await new Promise((done) => setTimeout(done, (7 * i) % 3));
      running.delete(i);
    });
  }
  await budget.finish();
  assert.deepEqual(order, costs.map((_, i) => i));
  assert.deepEqual([most, running.size], [3, 0]);
});

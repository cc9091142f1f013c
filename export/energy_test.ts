import assert from "node:assert/strict";
import { openEnergyMeter } from "./energy.ts";

/** A folder of counters such as Linux has, of which each is given as its folder, name, µJ and largest value. */
function withCounters(
  counters: readonly (readonly [folder: string, name: string, energy: number | string, most: number])[],
  fn: (root: string, write: (folder: string, energy: number | string) => void) => void,
): void {
  const root = Deno.makeTempDirSync();
  const write = (folder: string, energy: number | string) =>
    Deno.writeTextFileSync(`${root}/${folder}/energy_uj`, `${energy}\n`);
  try {
    for (const [folder, name, energy, most] of counters) {
      Deno.mkdirSync(`${root}/${folder}`);
      Deno.writeTextFileSync(`${root}/${folder}/name`, `${name}\n`);
      Deno.writeTextFileSync(`${root}/${folder}/max_energy_range_uj`, `${most}\n`);
      write(folder, energy);
    }
    fn(root, write);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const MOST = 262_143_328_850;

/** Two sockets, their parts, the whole board, and the same package through another door. */
const MACHINE = [
  ["intel-rapl:0", "package-0", 1_000_000, MOST],
  ["intel-rapl:0:0", "core", 0, MOST],
  ["intel-rapl:0:1", "dram", 0, MOST],
  ["intel-rapl:1", "package-1-die-0", MOST - 500_000, MOST],
  ["intel-rapl:2", "psys", 0, MOST],
  ["intel-rapl-mmio:0", "package-0", 0, MOST],
  ["intel-rapl", "package-control", 0, MOST],
] as const;

Deno.test("openEnergyMeter() counts the joules of packages alone, over the end of their counters", () =>
  withCounters(MACHINE, (root, write) => {
    const meter = openEnergyMeter(root);
    assert.ok(meter.kind === "meter");
    const joules = meter.start();
    assert.equal(joules(), 0);
    write("intel-rapl:0", 3_500_000);
    // Half a joule to the end, and three quarters from 0 on.
    write("intel-rapl:1", 750_000);
    for (const part of ["intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:2", "intel-rapl-mmio:0", "intel-rapl"]) {
      write(part, 9_000_000);
    }
    assert.equal(joules(), 2.5 + 1.25);
    const later = meter.start();
    write("intel-rapl:0", 4_000_000);
    assert.deepEqual([later(), joules()], [0.5, 4.25]);
  }));

Deno.test("openEnergyMeter() says why there is no meter, and loses no job over one that goes", () => {
  const becauseOf = (root: string) => {
    const meter = openEnergyMeter(root);
    return meter.kind === "none" ? meter.because.replace(root, "ROOT") : meter.kind;
  };
  assert.equal(becauseOf("/nowhere/powercap"), "this machine has no ROOT");
  withCounters([], (root) => assert.equal(becauseOf(root), "ROOT has no package of a processor"));
  withCounters([["intel-rapl:0", "psys", 1, 9]], (root) => assert.match(becauseOf(root), /has no package/));
  for (const odd of ["", "-1", "1e3", "many"]) {
    withCounters(
      [["intel-rapl:0", "package-0", odd, 9]],
      (root) => assert.equal(becauseOf(root), "ROOT/intel-rapl:0/energy_uj holds no number"),
    );
  }
  withCounters(MACHINE, (root) => {
    const { readTextFileSync } = Deno;
    // As Linux refuses it to all but root, who runs these tests in containers.
    Deno.readTextFileSync = (path) => {
      if (String(path).endsWith("energy_uj")) throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
      return readTextFileSync(path);
    };
    try {
      assert.equal(becauseOf(root), "ROOT/intel-rapl:0/energy_uj is for root alone");
    } finally {
      Deno.readTextFileSync = readTextFileSync;
    }
  });
  withCounters(MACHINE, (root, write) => {
    const meter = openEnergyMeter(root);
    assert.ok(meter.kind === "meter");
    const joules = meter.start();
    write("intel-rapl:1", "gone");
    assert.deepEqual([joules(), meter.start()()], [undefined, undefined]);
  });
});

Deno.test("openEnergyMeter() asks for no permission that it does not have", () => {
  const found = openEnergyMeter();
  // Tests run without --allow-all.
  const expected = Deno.build.os === "linux"
    ? "Deno reads /sys/class/powercap only with --allow-all"
    : `${Deno.build.os} does not tell`;
  assert.deepEqual(found, { kind: "none", because: expected });
});

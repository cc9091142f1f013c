/** Whether a machine did something else while it was measured. */
import { cpuUsage } from "node:process";

/** Times of a machine are no times of what was measured if others take more of it than this share. */
const MOST = 0.1;

/** Hundredths of a second: the unit of /proc/stat. */
const TICK_MS = 10;

/** Watches what others take of the processors; where there is no /proc nobody knows, and nothing is said. */
export class OtherWork {
  readonly #before = readTimes();
  readonly #own = cpuUsage();

  /** Whether others took more than a tenth of the machine since this was made. */
  get isMuch(): boolean {
    const now = readTimes();
    if (now === undefined || this.#before === undefined) return false;
    const { user, system } = cpuUsage(this.#own);
    const busy = TICK_MS * (now.busy - this.#before.busy) - (user + system) / 1000;
    return busy > MOST * TICK_MS * (now.all - this.#before.all);
  }
}

interface Times {
  readonly busy: number;
  readonly all: number;
}

function readTimes(): Times | undefined {
  try {
    return timesIn(Deno.readTextFileSync("/proc/stat"));
  } catch {
    return undefined;
  }
}

/** Reads what all processors together did, of the text of /proc/stat: user, nice, system, idle, waiting for disks, others. */
export function timesIn(stat: string): Times {
  const [user, nice, system, idle, waiting, ...others] = stat.split("\n")[0].trim().split(/\s+/).slice(1, 9).map(
    Number,
  );
  const busy = [user, nice, system, ...others].reduce((sum, ticks) => sum + ticks, 0);
  return { busy, all: busy + idle + waiting };
}

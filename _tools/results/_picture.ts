/** A picture of a page, by a browser that is installed. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/** In px: the page's own width, and its top with the first sections. */
const WINDOW = "1100,1480";

/** Takes a picture of `page`, or says that there is no browser for it. */
export async function takePicture(page: string, to: string): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "browser-" });
  const args = [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"],
    ...["--disable-background-networking", "--disable-component-update", `--user-data-dir=${profile}`],
    ...[`--window-size=${WINDOW}`, `--screenshot=${resolve(to)}`, pathToFileURL(resolve(page)).href],
  ];
  try {
    for (const browser of BROWSERS) {
      const done = await new Deno.Command(browser, { args, stdout: "null", stderr: "null" }).output().catch(() => null);
      if (done?.success) return;
    }
    console.log(`${to} stays as it is: none of ${BROWSERS.join(", ")} could take the picture`);
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

/** Tests on the material in `../shared`, which lies beside the checkout and not in it. */

/** The folder `shared` beside the repository, as a URL that ends in a slash. */
const SHARED = new URL("../../../shared/", import.meta.url);

/**
 * Finds a file or folder of `../shared`.
 *
 * @param rel Path below `shared`, such as `data/mnist`.
 * @returns Its absolute path, or undefined if it is not there.
 */
export function sharedPath(rel: string): string | undefined {
  const path = decodeURIComponent(new URL(rel, SHARED).pathname);
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/**
 * Registers a test that needs a file or folder of `../shared`; where it is absent, the test is ignored and its name
 * says what was missing.
 *
 * @param name The test's name.
 * @param rel Path below `shared`, such as `data/mnist`.
 * @param fn The test; it gets the absolute path.
 */
export function testWithShared(name: string, rel: string, fn: (path: string) => void | Promise<void>): void {
  const path = sharedPath(rel);
  if (path === undefined) Deno.test({ name: `${name} (skipped: no ../shared/${rel})`, ignore: true, fn() {} });
  else Deno.test(name, () => fn(path));
}

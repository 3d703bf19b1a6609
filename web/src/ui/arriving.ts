/** Parts of the application that are loaded when first shown: asked for again where the network or the server was away. */

const WAITS_MS = [250, 500, 1_000, 2_000, 4_000];
const RELOADED_FOR = "lot:reloaded-for";

/** A part of the application did not come. To load the page anew is what may help; what was typed is kept. */
export class NotArrivedError extends Error {
  constructor(cause: unknown) {
    super("A part of this page could not be loaded: the server or the network may be away.", { cause });
    this.name = "NotArrivedError";
  }
}

interface Surroundings {
  wait: (ms: number) => Promise<void>;
  /** Address of the script that the server's page begins with now; null: the server cannot say. */
  newestEntry: () => Promise<string | null>;
  /** Address of the script that this page began with. */
  entry: () => string | null;
  reload: () => void;
}

const OURS: Surroundings = {
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  newestEntry: async () => {
    const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
    return answer?.ok ? entryOf(new DOMParser().parseFromString(await answer.text(), "text/html")) : null;
  },
  entry: () => entryOf(document),
  reload: () => location.reload(),
};

/**
 * Returns what `load` brings, asking again a few times. Where the server has a newer build, whose parts have other
 * names, the page is loaded anew, once for each build.
 *
 * @throws NotArrivedError it never came, and the build is this page's own.
 */
export async function arriving<T>(load: () => Promise<T>, around: Surroundings = OURS): Promise<T> {
  let cause: unknown;
  for (const ms of [0, ...WAITS_MS]) {
    if (ms > 0) await around.wait(ms);
    try {
      return await load();
    } catch (error) {
      cause = error;
    }
    const newest = await around.newestEntry();
    if (newest === null || newest === around.entry()) continue;
    if (sessionStorage.getItem(RELOADED_FOR) === newest) continue;
    sessionStorage.setItem(RELOADED_FOR, newest);
    around.reload();
    return new Promise(() => {}); // The page is going away: nothing is to be shown of it any more.
  }
  throw new NotArrivedError(cause);
}

function entryOf(page: Document): string | null {
  return page.querySelector("script[type=module][src]")?.getAttribute("src") ?? null;
}

/** Where one goes after signing in: only ever to an address of ours. */

const HOME = "/";

/**
 * Returns the path of a wanted address, or `/` where it would lead elsewhere or back to signing in.
 *
 * What `to` says comes out of a link that anybody may have made: `//evil.example`, `/\evil.example` and
 * `javascript:` are all such.
 */
export function destinationOf(to: string | undefined, origin: string): string {
  if (!to?.startsWith("/")) return HOME;
  let url: URL;
  try {
    url = new URL(to, origin);
  } catch {
    return HOME;
  }
  if (url.origin !== origin || url.pathname === "/sign-in") return HOME;
  // A path may still begin with two slashes once its dots are resolved, and would then name another host.
  return (url.pathname + url.search + url.hash).replace(/^\/{2,}/, "/");
}

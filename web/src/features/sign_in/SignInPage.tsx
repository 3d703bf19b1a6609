import { useSearch } from "@tanstack/react-router";

import { destinationOf } from "./destination";
import { SignIn } from "./SignIn";

/** The one page outside the shell: stands at `/sign-in?to=…` and `/sign-in?link=…`. */
export default function SignInPage() {
  const { to, link } = useSearch({ from: "/sign-in" });
  // Loaded anew, so that nothing is shown that was read before, and `to` may be a page of the server's own.
  const leave = () => location.replace(destinationOf(to, location.origin));
  return <SignIn link={link} to={to} onDone={leave} />;
}

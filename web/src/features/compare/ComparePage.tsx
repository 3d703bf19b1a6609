import { useParams } from "@tanstack/react-router";

import { CompareView } from "./CompareView";

/** Two sessions beside each other: stands at `/compare/<left>/<right>`. */
export default function ComparePage() {
  const { left, right } = useParams({ from: "/shell/compare/$left/$right" });
  return <CompareView key={`${left} ${right}`} left={left} right={right} />;
}

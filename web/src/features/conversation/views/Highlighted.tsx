import "./highlight.css";

import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";

const highlighter = createLowlight(common);

type Node = ReturnType<typeof highlighter.highlight>["children"][number];

/** Code in the colours of its language; of a language that is not known, as it is. Loaded when first needed. */
export default function Highlighted({ code, language }: { code: string; language: string }) {
  if (!highlighter.registered(language)) return code;
  return highlighter.highlight(language, code).children.map(draw);
}

function draw(node: Node, index: number): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties.className;
  return (
    <span key={index} className={Array.isArray(names) ? names.join(" ") : undefined}>
      {node.children.map(draw)}
    </span>
  );
}

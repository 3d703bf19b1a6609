import { render } from "@testing-library/react";
import { expect, it } from "vitest";

import { Printed } from "./Coloured";

it("shows the colours of what was printed, and neither moves of the cursor nor what was printed over", () => {
  const { container } = render(<Printed text={"10 %\rdone\n\x1b[2J\x1b[1;31mred\x1b[0m plain\r\n"} />);
  expect(container.textContent).toBe("done\nred plain\n");
  const red = [...container.querySelectorAll("span")].find((span) => span.textContent === "red")!;
  expect(red.style.color).toBe("var(--ansi-red)");
  expect(red).toHaveClass("font-semibold");
});

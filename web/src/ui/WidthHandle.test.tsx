import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";

import { draw } from "../../test/draw";
import { WidthHandle } from "./WidthHandle";

function Sized() {
  const [width, setWidth] = useState(256);
  return <WidthHandle label="Width" width={width} onChange={setWidth} least={200} most={420} />;
}

it("is moved by keys, as far as may be", async () => {
  draw(<Sized />);
  const handle = screen.getByRole("separator", { name: "Width" });
  handle.focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(handle).toHaveAttribute("aria-valuenow", "272");
  await userEvent.keyboard("{End}{ArrowRight}");
  expect(handle).toHaveAttribute("aria-valuenow", "420");
  await userEvent.keyboard("{Home}{ArrowLeft}");
  expect(handle).toHaveAttribute("aria-valuenow", "200");
});

it("follows the pointer that holds it, and no other", () => {
  draw(<Sized />);
  const handle = screen.getByRole("separator", { name: "Width" });
  const held = new Set<number>();
  handle.setPointerCapture = (pointer) => void held.add(pointer);
  handle.hasPointerCapture = (pointer) => held.has(pointer);
  fireEvent.pointerMove(handle, { pointerId: 1, clientX: 300 });
  expect(handle).toHaveAttribute("aria-valuenow", "256");
  fireEvent.pointerDown(handle, { pointerId: 1 });
  fireEvent.pointerMove(handle, { pointerId: 1, clientX: 300 });
  expect(handle).toHaveAttribute("aria-valuenow", "300");
});

import "@testing-library/jest-dom/vitest";

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

import { fillGapsOfJsdom } from "./jsdom_gaps";

fillGapsOfJsdom();

afterEach(() => {
  cleanup();
  localStorage.clear();
});

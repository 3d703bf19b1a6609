import { QueryClientProvider } from "@tanstack/react-query";
import { render, type RenderResult } from "@testing-library/react";
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

import { makeQueryClient } from "@/api/query_client";

/** Draws a view within what every page has around it. */
export function draw(view: ReactNode): RenderResult {
  return render(
    <QueryClientProvider client={makeQueryClient()}>
      <Tooltip.Provider>{view}</Tooltip.Provider>
    </QueryClientProvider>,
  );
}

import { Outlet } from "@tanstack/react-router";

/** The frame around every page: sidebar and content. */
export function Shell() {
  return (
    <main className="h-full">
      <Outlet />
    </main>
  );
}

import { Link } from "@tanstack/react-router";

import { Empty } from "@/ui/states";

export function NotFound() {
  return (
    <main className="h-full">
      <Empty
        isPage
        title="There is nothing at this address"
        actions={
          <Link to="/" className="text-accent underline underline-offset-4">
            Go to your sessions
          </Link>
        }
      />
    </main>
  );
}

import { Link } from "@tanstack/react-router";

import { Empty } from "@/ui/states";

export function NotFound() {
  return (
    <Empty
      title="There is nothing at this address"
      actions={
        <Link to="/" className="text-accent underline underline-offset-4">
          Go to your sessions
        </Link>
      }
    />
  );
}

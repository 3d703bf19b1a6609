/** Lot's mark: a corner of ground, and what is built on it. */
export function Mark({ className = "size-6" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        d="M9 8v16h14"
        fill="none"
        className="stroke-on-accent"
        strokeWidth="3.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <rect x="15" y="9" width="8" height="8" rx="2.2" fill="#f0a63a" />
    </svg>
  );
}

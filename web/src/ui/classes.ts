import { clsx, type ClassValue } from "clsx";
import { twMerge } from "tailwind-merge";

/** Joins class names; of two that set the same thing, the later counts. */
export function classes(...given: ClassValue[]): string {
  return twMerge(clsx(given));
}

/** What is unfolded: remembered beside the items, which come and go while one scrolls. */
import { createContext, use, useState } from "react";

const unfolded = new Map<string, boolean>();

/** The session whose conversation is drawn. */
export const SessionContext = createContext("");

/** Returns whether an item is unfolded, and how to change that; `byDefault` counts until the user decides. */
export function useUnfolded(key: string, byDefault: boolean): [boolean, (value: boolean) => void] {
  const place = `${use(SessionContext)}:${key}`;
  const [choice, setChoice] = useState(unfolded.get(place));
  const change = (value: boolean) => {
    unfolded.set(place, value);
    setChoice(value);
  };
  return [choice ?? byDefault, change];
}

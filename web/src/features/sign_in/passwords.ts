/** What a new password must be, as the server asks it; said before the server has to. */

export const MIN_PASSWORD = 8;

export interface PasswordFault {
  where: "password" | "repeated";
  says: string;
}

/** Returns what is wrong with a new password and its repetition, or null. */
export function passwordFault(
  password: string,
  repeated: string,
  { isOptional }: { isOptional: boolean },
): PasswordFault | null {
  if (isOptional && password === "" && repeated === "") return null;
  if (password.length < MIN_PASSWORD) {
    return { where: "password", says: `Use at least ${MIN_PASSWORD} characters.` };
  }
  if (password !== repeated) return { where: "repeated", says: "This is not the same password." };
  return null;
}

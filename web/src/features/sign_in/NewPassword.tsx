import { Field, Input } from "@/ui/fields";

import { MIN_PASSWORD, type PasswordFault } from "./passwords";

interface Props {
  password: string;
  repeated: string;
  onPassword: (value: string) => void;
  onRepeated: (value: string) => void;
  fault: PasswordFault | null;
}

/** A password that is being chosen, typed twice. */
export function NewPassword({ password, repeated, onPassword, onRepeated, fault }: Props) {
  return (
    <>
      <Field
        label="New password"
        hint={`At least ${MIN_PASSWORD} characters`}
        error={fault?.where === "password" ? fault.says : undefined}
      >
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(event) => onPassword(event.target.value)}
          />
        )}
      </Field>
      <Field label="The same again" error={fault?.where === "repeated" ? fault.says : undefined}>
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="new-password"
            value={repeated}
            onChange={(event) => onRepeated(event.target.value)}
          />
        )}
      </Field>
    </>
  );
}

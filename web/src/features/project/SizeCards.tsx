import { useQuery } from "@tanstack/react-query";
import { RadioGroup } from "radix-ui";

import { sizesQuery } from "@/api/queries";
import { Failed } from "@/ui/states";

import { bytesOf } from "@/ui/format";

interface Props {
  value: string;
  onChoose: (size: string) => void;
}

/** What a sandbox may use, to choose one of. */
export function SizeCards({ value, onChoose }: Props) {
  const { data: sizes, error, refetch } = useQuery(sizesQuery);
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  return (
    <RadioGroup.Root
      aria-label="Size"
      value={value}
      onValueChange={onChoose}
      className="grid min-h-18 grid-cols-[repeat(auto-fill,minmax(10rem,1fr))] gap-2"
    >
      {sizes?.map((size) => (
        <RadioGroup.Item
          key={size.name}
          value={size.name}
          className="rounded-lg border bg-raised px-3.5 py-2.5 text-left transition-colors hover:border-line-strong data-[state=checked]:border-accent data-[state=checked]:bg-accent-soft"
        >
          <span className="block font-semibold capitalize">{size.name}</span>
          <span className="block text-ink-2">
            {size.cpus} vCPU · {bytesOf(size.memory_bytes)}
          </span>
          <span className="block text-xs text-ink-2">
            {size.compute_units} compute {size.compute_units === 1 ? "unit" : "units"} per second
          </span>
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { isNotFound } from "@/api/errors";
import { projectsQuery } from "@/api/queries";
import type { UsageOverTimeBody } from "@/api/types";
import { bytesOf, countOf, durationOf, moneyOf } from "@/ui/format";
import { Facts, Section } from "@/features/project/Page";
import { Select } from "@/ui/fields";
import { Empty, Failed, Loading } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";

import { BarChart } from "./BarChart";
import { diskQuery, usageQuery } from "./queries";
import { amountOf, byAmount, sumOf, type Measure } from "./usage";

const MEASURES: Record<Measure, { name: string; title: string; format: (amount: number) => string }> = {
  units: { name: "Compute", title: "Compute units per day", format: countOf },
  tokens: { name: "Tokens", title: "Tokens per day, caches included", format: countOf },
  cost: { name: "Money", title: "Dollars per day, as far as prices are known", format: moneyOf },
};
const SPANS = ["7", "30", "90"] as const;

/** What was used over time, of everything or of one project; and what is on the disk. */
export function UsageSection() {
  const [span, setSpan] = useState<(typeof SPANS)[number]>("30");
  const [measure, setMeasure] = useState<Measure>("units");
  const [project, setProject] = useState("");
  const { data: projects } = useQuery(projectsQuery);
  const { data, error, refetch } = useQuery(usageQuery(Number(span), project));
  return (
    <>
      <Section
        title="Usage"
        hint="Compute units count only while a sandbox is on: one a second on Small, two on Large. Days are UTC."
        actions={
          <>
            <Select
              aria-label="Project"
              className="w-44"
              value={project}
              onChange={(event) => setProject(event.target.value)}
            >
              <option value="">All projects</option>
              {projects?.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </Select>
            <Tabs
              label="Span"
              value={span}
              onChange={setSpan}
              tabs={SPANS.map((days) => ({ value: days, name: `${days} days` }))}
            />
          </>
        }
      >
        {isNotFound(error) ? (
          <Empty title="This server keeps no usage yet" />
        ) : error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading />
        ) : (
          <Used usage={data} measure={measure} onMeasure={setMeasure} />
        )}
      </Section>
      <DiskSection />
    </>
  );
}

interface UsedProps {
  usage: UsageOverTimeBody;
  measure: Measure;
  onMeasure: (measure: Measure) => void;
}

function Used({ usage, measure, onMeasure }: UsedProps) {
  const { title, format } = MEASURES[measure];
  const parts = byAmount(usage.sessions.length > 0 ? usage.sessions : usage.projects, measure);
  const secondsOn = usage.total.days.reduce((sum, day) => sum + day.seconds_on, 0);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap gap-x-8 gap-y-2">
        {(Object.keys(MEASURES) as Measure[]).map((one) => (
          <div key={one}>
            <p className="text-ink-3">{MEASURES[one].name}</p>
            <p className="text-lg font-semibold">{MEASURES[one].format(sumOf(usage.total, one))}</p>
          </div>
        ))}
        <div>
          <p className="text-ink-3">Sandboxes on</p>
          <p className="text-lg font-semibold">{durationOf(secondsOn)}</p>
        </div>
      </div>
      <Tabs
        label="What is shown"
        value={measure}
        onChange={onMeasure}
        tabs={(Object.keys(MEASURES) as Measure[]).map((one) => ({ value: one, name: MEASURES[one].name }))}
      />
      <BarChart
        title={title}
        format={format}
        bars={usage.total.days.map((day) => ({ day: day.day, amount: amountOf(day, measure) }))}
      />
      {parts.length > 0 && (
        <ul
          aria-label={usage.sessions.length > 0 ? "By session" : "By project"}
          className="flex flex-col gap-2"
        >
          {parts.slice(0, 12).map(({ series, sum }) => (
            <li key={series.id} className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3">
              <span className="truncate">{series.name ?? "deleted"}</span>
              <span className="text-ink-2">{format(sum)}</span>
              <span className="col-span-2 h-1 rounded-full bg-sunken">
                <span
                  className="block h-full rounded-full bg-accent"
                  style={{ width: `${(100 * sum) / (parts[0]?.sum ?? sum)}%` }}
                />
              </span>
            </li>
          ))}
        </ul>
      )}
      <UsageTable usage={usage} />
    </div>
  );
}

/** The chart's numbers, for who reads rather than looks. */
function UsageTable({ usage }: { usage: UsageOverTimeBody }) {
  return (
    <details>
      <summary className="cursor-pointer text-ink-2 hover:text-ink">All numbers, day by day</summary>
      <div className="mt-2 max-h-80 overflow-auto" tabIndex={0} role="group" aria-label="Usage day by day">
        <table className="w-full min-w-md text-right [&_td]:py-1 [&_td]:pl-4 [&_th]:py-1 [&_th]:pl-4 [&_th]:font-normal [&_th]:text-ink-3">
          <thead>
            <tr>
              <th scope="col" className="pl-0! text-left">
                Day
              </th>
              <th scope="col">Compute units</th>
              <th scope="col">Tokens</th>
              <th scope="col">Dollars</th>
              <th scope="col">On</th>
            </tr>
          </thead>
          <tbody>
            {[...usage.total.days].reverse().map((day) => (
              <tr key={day.day} className="border-t">
                <th scope="row" className="pl-0! text-left">
                  {day.day}
                </th>
                <td>{Math.round(amountOf(day, "units")).toLocaleString("en")}</td>
                <td>{amountOf(day, "tokens").toLocaleString("en")}</td>
                <td>{moneyOf(day.cost_usd)}</td>
                <td>{durationOf(day.seconds_on)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function DiskSection() {
  const { data, error, refetch } = useQuery(diskQuery);
  if (isNotFound(error)) return null;
  return (
    <Section title="Disk" hint="What Lot's data takes on the server">
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading label="Looking at the disk" />
      ) : (
        <Facts
          facts={[
            { name: "Free", value: `${bytesOf(data.free_bytes)} of ${bytesOf(data.total_bytes)}` },
            { name: "Files of snapshots and sessions", value: bytesOf(data.disks_bytes) },
            { name: "Memory of paused sessions and snapshots", value: bytesOf(data.memory_bytes) },
            { name: "Repositories", value: bytesOf(data.repositories_bytes) },
            { name: "Images of sandboxes", value: bytesOf(data.base_images_bytes) },
            { name: "Logs", value: bytesOf(data.logs_bytes) },
            { name: "Database", value: bytesOf(data.database_bytes) },
          ]}
        />
      )}
    </Section>
  );
}

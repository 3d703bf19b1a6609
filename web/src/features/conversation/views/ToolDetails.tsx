import type { ToolItem } from "../items";
import { CommandOutput } from "./CommandOutput";
import { EditDiff } from "./EditDiff";
import { ItemView } from "./ItemView";
import { Markdown } from "./Markdown";

/** What is below a call's line: its input where that says more, what came of it, and what was done within it. */
export function ToolDetails({ item }: { item: ToolItem }) {
  const isRunning = item.status === "running" || item.status === "background";
  const command = typeof item.input.command === "string" ? item.input.command : null;
  const isSubagent = item.children.length > 0;
  return (
    <div className="mt-1 mb-2 ml-2 flex flex-col gap-2 border-l-2 pl-4">
      {command?.includes("\n") && (
        <pre tabIndex={0} className="overflow-x-auto font-mono text-xs leading-[1.1rem] text-ink-2">
          {command}
        </pre>
      )}
      {isSubagent && (
        <div>
          {item.children.map((child) => (
            <ItemView key={child.key} item={child} />
          ))}
        </div>
      )}
      {item.hunks.length > 0 && <EditDiff hunks={item.hunks} label={`Changes: ${item.title}`} />}
      {isSubagent && item.task?.summary && <Markdown text={item.task.summary} />}
      {item.hunks.length === 0 && !isSubagent && item.output !== "" && (
        <CommandOutput output={item.output} isLive={isRunning} label={`Output: ${item.title}`} />
      )}
      {isFileContent(item) && (
        <CommandOutput
          output={item.input.content as string}
          isLive={false}
          label={`Written: ${item.title}`}
        />
      )}
      {item.output === "" && item.hunks.length === 0 && !isSubagent && !isFileContent(item) && (
        <Input item={item} />
      )}
      {item.isTruncated && (
        <p className="text-xs text-ink-3">The output is longer than what is kept of it.</p>
      )}
      {item.images > 0 && (
        <p className="text-xs text-ink-3">
          {item.images} {item.images === 1 ? "picture" : "pictures"} in the result
        </p>
      )}
    </div>
  );
}

/** A new file has no lines to compare with: what was written says it. */
function isFileContent(item: ToolItem): boolean {
  return item.kind === "edit" && item.hunks.length === 0 && typeof item.input.content === "string";
}

function Input({ item }: { item: ToolItem }) {
  if (item.status === "preparing" || Object.keys(item.input).length === 0) {
    return (
      <p className="text-xs text-ink-3">
        {item.status === "preparing" ? item.output.slice(-200) : "No output"}
      </p>
    );
  }
  return (
    <pre tabIndex={0} className="max-h-60 overflow-auto font-mono text-xs text-ink-2">
      {JSON.stringify(item.input, null, 2)}
    </pre>
  );
}

import type { ISearchOptions } from "@xterm/addon-search";
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useEffect, useState } from "react";

import { Input } from "@/ui/fields";
import { IconButton } from "@/ui/IconButton";

import type { LiveTerminal } from "./live_terminal";

interface Props {
  terminal: LiveTerminal;
  onClose: () => void;
}

const OPTIONS: ISearchOptions = {
  decorations: {
    matchBackground: "#e6be6e",
    matchOverviewRuler: "#b38a2e",
    activeMatchBackground: "#f2857b",
    activeMatchColorOverviewRuler: "#c7362c",
  },
};

/** Looks for words in a terminal and what has scrolled out of it. */
export function TerminalSearch({ terminal, onClose }: Props) {
  const [words, setWords] = useState("");
  const [results, setResults] = useState<{ index: number; count: number } | null>(null);

  useEffect(() => {
    const listening = terminal.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setResults({ index: resultIndex, count: resultCount }),
    );
    return () => {
      listening.dispose();
      terminal.search.clearDecorations();
    };
  }, [terminal]);

  const find = (direction: "next" | "previous", isTyping: boolean, given = words) => {
    if (given === "") {
      terminal.search.clearDecorations();
      setResults(null);
    } else if (direction === "next") terminal.search.findNext(given, { ...OPTIONS, incremental: isTyping });
    else terminal.search.findPrevious(given, OPTIONS);
  };

  return (
    <search className="absolute top-2 right-4 z-10 flex items-center gap-1 rounded-lg border bg-raised p-1 shadow-float">
      <Input
        autoFocus
        aria-label="Search in the terminal"
        placeholder="Search"
        className="h-7 w-44 border-transparent"
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          find("next", true, event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
          if (event.key === "Enter") find(event.shiftKey ? "previous" : "next", false);
        }}
      />
      <span role="status" className="min-w-14 text-center text-xs text-ink-3">
        {words !== "" &&
          results &&
          (results.count === 0 ? "None" : `${results.index + 1} of ${results.count}`)}
      </span>
      <IconButton label="Previous match" size="small" onClick={() => find("previous", false)}>
        <ChevronUp />
      </IconButton>
      <IconButton label="Next match" size="small" onClick={() => find("next", false)}>
        <ChevronDown />
      </IconButton>
      <IconButton label="Close search" size="small" onClick={onClose}>
        <X />
      </IconButton>
    </search>
  );
}

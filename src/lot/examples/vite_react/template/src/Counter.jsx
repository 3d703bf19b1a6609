import { useCallback, useEffect, useState } from "react";

export function Counter() {
  const [state, setState] = useState(null);
  const [isLost, setLost] = useState(false);

  const ask = useCallback(async (method) => {
    try {
      const response = await fetch("/api/counter", { method });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      setState(await response.json());
      setLost(false);
    } catch {
      setLost(true);
    }
  }, []);

  useEffect(() => {
    ask("GET");
  }, [ask]);

  return (
    <section className="counter">
      <output aria-live="polite">{state ? state.count : "–"}</output>
      <button type="button" onClick={() => ask("POST")}>
        Count on
      </button>
      <small>{isLost ? "The dev server does not answer." : <Where state={state} />}</small>
    </section>
  );
}

function Where({ state }) {
  if (!state) return "Asking the dev server …";
  return (
    <>
      in the memory of process {state.pid}, up since {new Date(state.startedAt).toLocaleTimeString()}
    </>
  );
}

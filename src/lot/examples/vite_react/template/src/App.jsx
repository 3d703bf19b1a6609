import { Counter } from "./Counter.jsx";

const GREETING = "Hello from a Lot session";

export function App() {
  return (
    <main className="card">
      <h1>{GREETING}</h1>
      <p>
        Ask the agent to change this page and watch it change without a reload. Pause the session, come back, and press
        the button: the count goes on, because the dev server never stopped.
      </p>
      <Counter />
      <footer>
        Edit <code>src/App.jsx</code>
      </footer>
    </main>
  );
}

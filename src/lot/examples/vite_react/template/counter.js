// A counter that lives in the memory of the dev server and nowhere else. If the next number follows the last one
// and the process id is the same, this very process went on, however long the session was paused in between.
export function counter() {
  const startedAt = new Date().toISOString();
  let count = 0;

  return {
    name: "counter-in-memory",
    configureServer(server) {
      server.middlewares.use("/api/counter", (request, response) => {
        if (request.method === "POST") count += 1;
        response.setHeader("Content-Type", "application/json");
        response.setHeader("Cache-Control", "no-store");
        response.end(JSON.stringify({ count, pid: process.pid, startedAt }));
      });
    },
  };
}

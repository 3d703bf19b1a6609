import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { counter } from "./counter.js";

export default defineConfig({
  plugins: [react(), counter()],
  server: {
    host: true,
    port: 5173,
    strictPort: true,
    // Inside a sandbox only Lot's preview reaches this server, and that asks for a sign-in itself.
    // Vite's client opens its hot-reload socket at the page's own origin, so nothing is set for it here.
    allowedHosts: true,
  },
});

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const BUILT = "../src/lot/web_app";
const SERVER = process.env.LOT_URL ?? "http://localhost:7070";

/** Leaves each text file's brotli and gzip beside it: the server packs nothing while it answers. */
function packed(): Plugin {
  return {
    name: "lot-packed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|webmanifest)$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const bytes = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(
          `${file}.br`,
          brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
        );
      }
    },
  };
}

/** Puts the script that loads again what did not arrive into the page itself: it has to be there when nothing else is. */
function booted(): Plugin {
  const script = readFileSync(new URL("./boot.js", import.meta.url), "utf8");
  return {
    name: "lot-booted",
    transformIndexHtml: (page) => page.replace("<!-- boot.js -->", () => `<script>${script}</script>`),
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), booted(), packed()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": {
        target: SERVER,
        ws: true,
        // A server in development: signed in with its token, where one is given.
        headers: process.env.LOT_TOKEN ? { Authorization: `Bearer ${process.env.LOT_TOKEN}` } : {},
      },
    },
  },
  test: {
    restoreMocks: true,
    // Nothing waits for time; a machine that is busy is slow all the same.
    testTimeout: 30_000,
    projects: [
      // Logic needs no browser; what draws has one that is pretended.
      { extends: true, test: { name: "logic", environment: "node", include: ["src/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "views",
          environment: "jsdom",
          include: ["src/**/*.test.tsx"],
          setupFiles: ["./test/setup.ts"],
        },
      },
    ],
  },
});

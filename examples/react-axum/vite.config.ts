import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // One React, also where the client is a link to a folder with packages of its own.
  resolve: { dedupe: ["react", "react-dom"] },
  // The policy of the page allows no scripts in line.
  build: { modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});

/** How the console is built: files with hashed names below /ui, nothing inline, so that a strict policy can hold. */
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev -w web` finds a server. */
const server = 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/ui/',
  plugins: [react(), tailwindcss()],
  build: {
    // These know light-dark(), which both themes are written with.
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { port: 5173, proxy: { '/api': server, '/a2a': server, '/docs': server } },
});

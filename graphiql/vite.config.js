import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { licenses } from './licenses.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// GraphiQL makes an icon's tooltip of its component's name, which minifying shortens ("y p icon"): the names are
// written down before.
const iconNames = {
  name: 'icon-names',
  transform(code, id) {
    if (!id.includes('/@graphiql/react/dist/icons/index.js')) return null;
    const named = code
      .replace(/\bgenerateIcon\((Svg\w+)\)/g, "generateIcon($1, '$1')")
      .replace('function generateIcon(RawComponent)', 'function generateIcon(RawComponent, name)')
      .replaceAll('RawComponent.name', 'name');
    if (!named.includes("(SvgPlay, 'SvgPlay')") || !named.includes('(RawComponent, name)')) {
      throw new Error('GraphiQL names its icons in another way now: look at their tooltips');
    }
    return { code: named, map: null };
  },
};

// Names carry no hashes, so that a rebuild changes files in place and a review shows what changed;
// the server sends ETags and `no-cache` in their stead.
export default defineConfig({
  base: './',
  publicDir: 'public',
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  resolve: {
    alias: [
      { find: 'monaco-editor/esm/vs/editor/edcore.main.js', replacement: here('src/monaco.js') },
      { find: /^prettier\/(plugins\/estree|parser-babel)$/, replacement: here('src/json-prettier.js') },
    ],
  },
  plugins: [iconNames, licenses({ emit: true })],
  worker: {
    format: 'es',
    plugins: () => [licenses()],
    rollupOptions: { output: { entryFileNames: '[name].js', chunkFileNames: 'worker.[name].js' } },
  },
  build: {
    outDir: here('../sloengine/api/graphiql/assets'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: false,
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      input: { page: here('src/main.jsx') },
      // "use client" marks mean nothing to a page without a server part.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        assetFileNames: '[name][extname]',
        manualChunks: (id) => {
          if (id.includes('/monaco-editor/')) return 'monaco';
          if (id.includes('/prettier/')) return 'prettier';
          return undefined;
        },
      },
    },
  },
});

// node bundle.mjs ANYWIDGET FOLDER: writes widgets.js and its style sheet into FOLDER.
// ANYWIDGET is the script that the Python package brings, so that the two halves are of one version.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [anywidget, outdir] = process.argv.slice(2);

await build({
  entryPoints: [fileURLToPath(new URL("widgets.js", import.meta.url))],
  outdir,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  loader: { ".svg": "dataurl" },
  legalComments: "inline",
  logLevel: "warning",
  plugins: [
    {
      name: "anywidget",
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /^anywidget$/ }, () => ({ path: anywidget, namespace: "amd" }));
        // The script is made for require.js, and its last line hands the module over.
        onLoad({ filter: /.*/, namespace: "amd" }, async ({ path }) => ({
          contents: (await readFile(path, "utf8")).replace(/^define\(\[.*\], (\w+)\);$/m, "export default $1;"),
        }));
      },
    },
  ],
});

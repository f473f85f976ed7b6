// Sets formulas for formulas.py, one a line: {tex, display, parts} comes in as JSON, {html, glyphs} or {error} goes out.
// `parts` are the letters that stand for parts of the cell, or none.
// The first line is the style sheet.
import { createInterface } from "node:readline";
import MathJaxInNode from "mathjax";

const MathJax = await MathJaxInNode.init({
  loader: { load: ["input/tex", "output/svg", "[tex]/html", "a11y/assistive-mml"] },
  // A macro that is not known, and any other error, ends the build instead of standing in the page in red.
  tex: {
    packages: { "[+]": ["html"], "[-]": ["noundefined"] },
    formatError: (_, error) => {
      throw error;
    },
  },
  svg: { fontCache: "global" }, // the shapes of the letters stand once in a page, not in each formula
  startup: { typeset: false },
});
const { adaptor, output } = MathJax.startup;

// In pixels, as the widths of formulas with parts in per cent are: the theme's column of text
const PAGE = { em: 16, ex: 8, containerWidth: 800 };

// A part of the cell, f, or at some step, c_{t-1}; not the c of W_c, W_{c,1} or \tilde c
const BEFORE = String.raw`(?<![A-Za-z\\_^]|[_^]\{[^{}]*|\\(?:tilde|hat|bar) )`;
const STEP = String.raw`'?(?:_(?:\w|\{[^}]*\}))?(?![A-Za-z_])`;
const coloured = (tex, parts) =>
  tex.replace(new RegExp(`${BEFORE}([${parts}])${STEP}`, "g"), (part, letter) => `\\class{part-${letter}}{${part}}`);

async function set({ tex, display, parts }) {
  try {
    const formula = await MathJax.tex2svgPromise(parts ? coloured(tex, parts) : tex, { ...PAGE, display });
    adaptor.setAttribute(formula, "data-tex", tex);
    const html = adaptor.outerHTML(formula);
    const strange = html.match(/<text [^>]*>([^<]*)/); // drawn in whatever font the reader has, at a guessed width
    if (strange) throw new Error(`MathJax's fonts have no ${strange[1]}`);
    const shapes = adaptor.childNodes(output.fontCache.getCache());
    const drawn = new Set([...html.matchAll(/href="#([^"]+)"/g)].map((found) => found[1]));
    const glyphs = Object.fromEntries(
      shapes.map((path) => [adaptor.getAttribute(path, "id"), adaptor.getAttribute(path, "d")]),
    );
    return { html, glyphs: Object.fromEntries([...drawn].map((id) => [id, glyphs[id]])) };
  } catch (error) {
    return { error: error.message };
  }
}

const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");

answer(adaptor.textContent(MathJax.svgStylesheet()));
for await (const line of createInterface({ input: process.stdin })) answer(await set(JSON.parse(line)));

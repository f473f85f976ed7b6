// Tells require.js where this site keeps the widget manager and the one widget module that is not
// part of it. Without these paths both would be looked for on another host.
{
  const vendor = document.currentScript.src.replace(/[^/]*$/, "vendor/");
  requirejs.config({
    paths: {
      "@jupyter-widgets/html-manager/dist": vendor + "html-manager",
      anywidget: vendor + "anywidget",
    },
  });
}

// The widget manager sets the LaTeX in a label by MathJax 2's call; the book's MathJax is version 3.
window.addEventListener("load", () => {
  if (window.MathJax?.typesetPromise)
    MathJax.Hub ??= { Queue: ([, , element]) => MathJax.typesetPromise([element]) };
});

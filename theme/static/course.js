// Omissions of the theme, mended for those who cannot see the page or use no mouse.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".search-button"))
    button.setAttribute("aria-label", "Search");
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar?.setAttribute("role", "region");
  sidebar?.setAttribute("aria-label", "Course");
  // docutils still writes a role that ARIA has given up
  for (const entry of document.querySelectorAll(".citation-list > .citation"))
    entry.setAttribute("role", "listitem");
});

// What is too wide for the page scrolls, and the keyboard must reach it to scroll it.
const reachWide = () => {
  for (const box of document.querySelectorAll("mjx-container[display], .pst-scrollable-table-container")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
window.addEventListener("load", () => {
  reachWide();
  window.addEventListener("resize", reachWide);
});

// A formula is a drawing. Who copies it, alone or within text, gets its TeX.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection.rangeCount) return;
  const copied = selection.getRangeAt(0).cloneContents();
  const formulas = copied.querySelectorAll("mjx-container");
  if (!formulas.length) return;
  for (const formula of formulas) {
    const mark = formula.hasAttribute("display") ? "$$" : "$";
    formula.replaceWith(mark + formula.dataset.tex.trim() + mark);
  }
  event.clipboardData.setData("text/plain", copied.textContent);
  event.preventDefault();
});

// A page opened from disk may not fetch another: the search finds pages all the same, and quotes none.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

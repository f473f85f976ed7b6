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
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  reachWide();
  window.addEventListener("resize", reachWide);
});

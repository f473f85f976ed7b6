// Omissions of the theme, mended for those who cannot see the page: parts of it that carry no name
// or stand outside every landmark.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".search-button"))
    button.setAttribute("aria-label", "Search");
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar?.setAttribute("role", "region");
  sidebar?.setAttribute("aria-label", "Course");
});

// Runs before the first paint, so that no page flashes in the wrong colours. The choice is kept by src/ui/theme.ts.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("lot:theme");
  } catch (error) {
    // Storage is forbidden: the system's choice counts.
  }
  var isDark =
    choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", isDark);
})();

// Stands in the page itself, before all else (see vite.config.ts): loads again what did not arrive of its scripts and
// styles, as when a network interface comes or goes while they are under way, or the server is only starting.
// Modules that are imported later have src/ui/arriving.ts.
(function () {
  var WAITS_MS = [250, 500, 1000, 2000, 4000, 8000];
  var failures = {};

  function addressOf(part) {
    if (part instanceof HTMLScriptElement) return part.src;
    return part instanceof HTMLLinkElement && part.rel === "stylesheet" ? part.href : "";
  }

  function loadAgain(part) {
    // A copy made by cloneNode() would count as started already.
    var copy = document.createElement(part.localName);
    for (var each of part.attributes) copy.setAttribute(each.name, each.value);
    part.replaceWith(copy);
  }

  function giveUp() {
    var place = document.getElementById("root");
    if (place === null || place.firstChild !== null) return;
    var words = document.createElement("p");
    words.textContent = "Lot could not be loaded. The server may be starting, or the network may be away.";
    words.setAttribute("role", "alert");
    var button = document.createElement("button");
    button.textContent = "Try again";
    button.style.cssText =
      "margin-top: 1rem; padding: 0.5rem 1rem; border: 1px solid; border-radius: 0.5rem; cursor: pointer";
    button.addEventListener("click", function () {
      location.reload();
    });
    var main = document.createElement("main");
    main.style.cssText = "padding: 4rem 1.5rem; text-align: center; font: 1rem system-ui, sans-serif";
    main.append(words, button);
    place.append(main);
  }

  addEventListener(
    "error",
    function (event) {
      var part = event.target;
      var address = addressOf(part);
      if (address === "") return;
      var failed = failures[address] || 0;
      failures[address] = failed + 1;
      if (failed < WAITS_MS.length) setTimeout(loadAgain, WAITS_MS[failed], part);
      else if (part.type === "module") giveUp();
    },
    // What fails to load tells only its own element.
    true,
  );
})();

import { greeting } from "@sample/greeting";

document.querySelector("#greeting").textContent = greeting("a monorepo");

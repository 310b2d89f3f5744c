// Looks for news of the page that it stands in, and shows them in the place of what is there.
"use strict";

{
  const EVERY = 2000;
  let version = document.currentScript?.dataset.version ?? "";

  /** @param {Document} next */
  const show = (next) => {
    const open = [...document.querySelectorAll("details")].map((each) => each.open);
    const main = next.querySelector("main");
    if (!main) return;
    document.querySelector("main")?.replaceWith(main);
    document.title = next.title;
    [...document.querySelectorAll("details")].forEach((each, number) => {
      if (number < open.length) each.open = open[number];
    });
    ready();
  };

  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { "If-None-Match": version }, cache: "no-store" });
      if (answer.status === 200) {
        version = answer.headers.get("ETag") ?? "";
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch {
      // The server has ended: what is shown stays.
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

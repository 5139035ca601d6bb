"use strict";

const said = document.querySelector("#said");

function textOf(block) {
  const lines = [...block.querySelectorAll(".line")];
  return lines.length ? lines.map((line) => line.textContent).join("\n") : block.textContent;
}

async function copy(button) {
  const block = button.closest("figure, .card").querySelector("pre, .json");
  const name = button.textContent;
  try {
    await navigator.clipboard.writeText(textOf(block));
    button.textContent = said.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(block);
    button.textContent = said.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = name; said.textContent = ""; }, 1500);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

// A browser may keep a page that was left, to show it again at once: the secret is not to be in it.
addEventListener("pagehide", () => document.querySelector("#secret")?.replaceChildren());

const live = document.querySelector("#live");
const list = document.querySelector("#requests");
const every = 2000; // milliseconds

function merge(rows) {
  const known = new Set([...list.children].map((row) => row.dataset.id));
  const arrived = rows.filter((row) => !known.has(row.dataset.id));
  rows.forEach((row, place) => {
    if (known.has(row.dataset.id)) return;
    const added = document.importNode(row, true);
    added.classList.add("arrived");
    list.insertBefore(added, list.children[place] ?? null);
  });
  while (list.children.length > Math.max(rows.length, 1)) {
    if (list.lastElementChild.contains(document.activeElement)) break;
    list.lastElementChild.remove();
  }
  if (!arrived.length) return;
  document.querySelector("#nothing")?.remove();
  said.textContent = arrived.length === 1 ? "1 new request" : `${arrived.length} new requests`;
}

async function look() {
  if (live.getAttribute("aria-pressed") === "true" && !document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return stop(answer.status === 403 ? "Signed out" : "Not live");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      merge([...page.querySelectorAll("#requests > tr")]);
    } catch {
      return stop("The server has stopped");
    }
  }
  setTimeout(look, every);
}

function stop(why) {
  live.setAttribute("aria-pressed", "false");
  live.disabled = true;
  live.textContent = said.textContent = why;
}

if (live && list) {
  live.hidden = false;
  live.addEventListener("click", () => {
    live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  });
  setTimeout(look, every);
}

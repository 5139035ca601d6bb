"use strict";

const search = document.querySelector("#search");
const count = document.querySelector("#count");
const nothing = document.querySelector("#nothing");
const said = document.querySelector("#said");
const endpoints = [...document.querySelectorAll(".endpoint")];

const anchor = (endpoint) => endpoint.querySelector(".body").id;
const entry = (endpoint) => document.querySelector(`nav a[href="#${anchor(endpoint)}"]`).parentElement;

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const endpoint of endpoints) {
    endpoint.hidden = !words.every((word) => endpoint.dataset.words.includes(word));
    entry(endpoint).hidden = endpoint.hidden;
  }
  for (const section of document.querySelectorAll(".group, nav section")) {
    section.hidden = !section.querySelector(".endpoint:not([hidden]), .entry:not([hidden])");
  }
  const shown = endpoints.filter((endpoint) => !endpoint.hidden).length;
  count.value = words.length ? `${shown} of ${endpoints.length} endpoints` : `${endpoints.length} endpoints`;
  nothing.hidden = shown > 0;
  nothing.querySelector("q").textContent = search.value.trim();
  document.querySelector("#start").hidden = words.length > 0;
}

function show(text) {
  search.value = text;
  filter();
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) show("");
  const endpoint = target.closest(".endpoint");
  if (endpoint) endpoint.open = true;
  target.scrollIntoView();
}

async function copy(button) {
  const block = button.closest("figure").querySelector("pre");
  try {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = said.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(block);
    button.textContent = said.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 1500);
}

document.querySelector("search").hidden = false;
search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") show("");
  const first = endpoints.find((endpoint) => !endpoint.hidden);
  if (event.key === "Enter" && first) location.hash = anchor(first);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target === search) return;
  event.preventDefault();
  search.focus();
});
nothing.querySelector("button").addEventListener("click", () => { show(""); search.focus(); });
for (const endpoint of endpoints) {
  endpoint.querySelector("summary").addEventListener("click", () => {
    if (!endpoint.open) history.replaceState(null, "", `#${anchor(endpoint)}`);
  });
}
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
addEventListener("hashchange", reveal);
reveal();
filter();

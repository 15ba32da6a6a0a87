"use strict";
// One step at a time: arrow keys, space, Page Up and Down, Home and End, or the buttons; the address has the step.
(() => {
  document.documentElement.classList.add("js");
  const steps = [...document.querySelectorAll("section.step")];
  const votes = [...document.querySelectorAll(".votes label")], voted = document.querySelector(".voted");
  let now = 0;
  const tell = () => {
    const counted = votes.map((label) => [label.querySelector("input").value, label.querySelector("span").textContent.trim()]);
    const said = counted.filter(([count]) => Number(count) > 0);
    voted.hidden = !said.length;
    voted.querySelector("b").textContent = said.map(([count, name]) => `${name} ${count}`).join(", ");
  };
  const show = (place) => {
    now = Math.min(Math.max(place, 0), steps.length - 1);
    steps.forEach((step, i) => step.classList.toggle("now", i === now));
    document.querySelector(".where").textContent = `${now + 1} of ${steps.length}`;
    document.querySelector(".back").disabled = now === 0;
    document.querySelector(".on").disabled = now === steps.length - 1;
    tell();
    scrollTo(0, 0);
  };
  const go = (place) => {
    show(place);
    history.replaceState(null, "", "#" + steps[now].id);
  };
  const ways = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input"), pressed = event.target.matches("button") && event.key === " ";
    if (event.ctrlKey || event.metaKey || event.altKey || pressed || (typing && !event.key.startsWith("Page"))) return;
    if (event.key === "Home") go(0);
    else if (event.key === "End") go(steps.length - 1);
    else if (ways[event.key]) go(now + ways[event.key]);
    else return;
    event.preventDefault();
  });
  document.querySelector(".back").addEventListener("click", () => go(now - 1));
  document.querySelector(".on").addEventListener("click", () => go(now + 1));
  const asked = () => show(steps.findIndex((step) => "#" + step.id === location.hash));
  addEventListener("hashchange", asked);
  asked();
})();

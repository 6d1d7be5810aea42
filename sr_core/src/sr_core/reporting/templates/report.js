"use strict";

// Before and after: two of the stacked pictures are shown, the left one cut off at the handle.
for (const compare of document.querySelectorAll(".compare")) {
  const slider = compare.querySelector(".slider");
  const position = compare.querySelector(".position");
  const pictures = [...slider.querySelectorAll("img")];
  const choose = () => {
    for (const side of ["before", "after"]) {
      const chosen = Number(compare.querySelector(`select.${side}`).value);
      pictures.forEach((picture, index) => picture.classList.toggle(side, index === chosen));
    }
  };
  const place = () => slider.style.setProperty("--at", `${position.value}%`);
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    position.value = (100 * (event.clientX - box.left)) / box.width;
    place();
  };
  slider.addEventListener("pointerdown", (event) => {
    slider.setPointerCapture(event.pointerId);
    follow(event);
  });
  slider.addEventListener("pointermove", (event) => {
    if (slider.hasPointerCapture(event.pointerId)) follow(event);
  });
  position.addEventListener("input", place);
  compare.addEventListener("change", choose);
  choose();
  place();
}

// Watch it learn: of the pictures of one detail, the one of the chosen step is shown; Play goes through all.
for (const learn of document.querySelectorAll(".learn")) {
  const position = learn.querySelector(".step");
  if (!position) continue;
  const play = learn.querySelector(".play");
  const pictures = [...learn.querySelectorAll(".over-time img")];
  let playing = 0;
  const show = () => {
    pictures.forEach((picture, index) => { picture.hidden = index !== Number(position.value); });
    const label = pictures[Number(position.value)].dataset.label;
    learn.querySelector(".now").textContent = label;
    position.setAttribute("aria-valuetext", label);
  };
  const pause = () => {
    clearInterval(playing);
    playing = 0;
    play.textContent = "Play";
  };
  position.addEventListener("input", () => { pause(); show(); });
  play.addEventListener("click", () => {
    if (playing) { pause(); return; }
    if (position.value === position.max) position.value = 0;
    show();
    play.textContent = "Pause";
    playing = setInterval(() => {
      position.value = Number(position.value) + 1;
      show();
      if (position.value === position.max) pause();
    }, 350);
  });
}

// Zoom: a whole picture (or the detail, where the whole is left out), moved by dragging, scaled by wheel or pinch.
const dialog = document.getElementById("zoom");
const stage = dialog.querySelector(".stage");
const shown = stage.querySelector("img");
const view = { x: 0, y: 0, scale: 1 };
const touches = new Map();

const draw = () => {
  shown.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
};
const zoomAt = (x, y, factor) => {
  const scale = Math.min(32, Math.max(0.1, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  draw();
};
const spread = () => {
  const [a, b] = [...touches.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
};

for (const button of document.querySelectorAll(".detail")) {
  button.addEventListener("click", () => {
    const label = button.dataset.zoom;
    const wholes = button.closest(".picture").querySelectorAll(".slider img");
    const whole = [...wholes].find((picture) => picture.dataset.label === label);
    shown.src = (whole || button.querySelector("img:not([hidden])")).src;
    shown.alt = label;
    dialog.querySelector("output").textContent = label;
    dialog.showModal();
    shown.decode().then(() => {
      view.scale = Math.min(stage.clientWidth / shown.naturalWidth, stage.clientHeight / shown.naturalHeight);
      view.x = (stage.clientWidth - shown.naturalWidth * view.scale) / 2;
      view.y = (stage.clientHeight - shown.naturalHeight * view.scale) / 2;
      draw();
    });
  });
}
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  zoomAt(event.clientX - box.left, event.clientY - box.top, Math.exp(-event.deltaY / 300));
}, { passive: false });
stage.addEventListener("pointerdown", (event) => {
  stage.setPointerCapture(event.pointerId);
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
});
stage.addEventListener("pointermove", (event) => {
  if (!touches.has(event.pointerId)) return;
  const before = touches.get(event.pointerId);
  if (touches.size === 2) {
    const start = spread();
    touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const box = stage.getBoundingClientRect();
    zoomAt(start.x - box.left, start.y - box.top, spread().distance / start.distance);
    return;
  }
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  view.x += event.clientX - before.x;
  view.y += event.clientY - before.y;
  draw();
});
for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => touches.delete(event.pointerId));

// Copy buttons: <button class="copy" data-copies="id of the element whose text is copied">.
"use strict";
document.documentElement.classList.add("has-script");

function copied(button, done) {
  const label = button.textContent;
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = label; }, 1500);
}

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copies);
  // The clipboard is there on HTTPS and localhost only; elsewhere the text is selected for the reader.
  if (navigator.clipboard) {
    navigator.clipboard.writeText(source.textContent).then(() => copied(button, true), () => { select(source); copied(button, false); });
  } else {
    select(source);
    copied(button, false);
  }
});

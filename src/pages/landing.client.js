// Runs in the browser: keeps the figures current, completes the command and copies it.
const INTERVAL_MS = 5000;
const COPIED_MS = 1500;

const command = document.querySelector("code");
command.textContent = `curl ${new URL(command.dataset.path, location.href)}`;

const button = document.querySelector("button");
button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  await navigator.clipboard.writeText(command.textContent);
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = "Copy";
  }, COPIED_MS);
});

setInterval(() => {
  // Nobody looks: the service is left alone.
  if (!document.hidden) update().catch(() => {});
}, INTERVAL_MS);

async function update() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  // A proxy may answer with a page of its own.
  const facts = page.querySelector("dl");
  if (facts) document.querySelector("dl").replaceWith(facts);
}

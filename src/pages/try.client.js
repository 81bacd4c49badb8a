// Runs in the browser: keeps the key, and sends the requests of the forms on the page.
const STORED_KEY = "thimble-api-key";
/** More of an answer helps nobody, and slows the page down. */
const SHOWN_CHARACTERS = 20_000;

const keyField = document.getElementById("api-key");
keyField.value = sessionStorage.getItem(STORED_KEY) ?? "";
keyField.addEventListener("input", () => sessionStorage.setItem(STORED_KEY, keyField.value));

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.dataset.path !== undefined) send(event.target);
});

addEventListener("hashchange", openTarget);
openTarget();
document.documentElement.classList.add("can-try");

/** Opens the operation or the schema that the address names. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.localName !== "details") return;
  target.open = true;
  target.scrollIntoView();
}

async function send(form) {
  const output = form.querySelector("output");
  const { url, init } = requestOf(form);
  output.textContent = "Waiting for the answer";
  const startedAt = performance.now();
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    const took = Math.round(performance.now() - startedAt);
    show(output, { url, init, response, text, took });
  } catch (error) {
    output.textContent = `No answer: ${error.message}. Can the service be reached, and is the key plain ASCII?`;
  }
}

function requestOf(form) {
  const { method, path } = form.dataset;
  const headers = keyField.value ? { "X-API-Key": keyField.value } : {};
  let filled = path;
  const query = new URLSearchParams();
  for (const { name, value, dataset } of form.querySelectorAll("input")) {
    if (dataset.in === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (dataset.in === "query") query.set(name, value);
    else headers[name] = value;
  }
  const url = new URL(`.${filled}`, document.baseURI);
  url.search = query;
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { url, init: { method, headers, body } };
}

function show(output, { url, init, response, text, took }) {
  const status = document.createElement("strong");
  status.className = response.ok ? "good" : "bad";
  status.textContent = `${response.status} ${response.statusText}`;
  const request = document.createElement("p");
  request.append(`${init.method} ${url.pathname}${url.search}: `, status, ` in ${took} ms`);
  const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  output.replaceChildren(request, block(indented(text)), headersBlock(head));
}

function block(text) {
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.textContent = text.slice(0, SHOWN_CHARACTERS);
  return pre;
}

function headersBlock(head) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "Headers";
  details.append(summary, block(head));
  return details;
}

/** JSON on several lines, unless reading and writing it changes it, as with large numbers. */
function indented(text) {
  try {
    const value = JSON.parse(text);
    return JSON.stringify(value) === text ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

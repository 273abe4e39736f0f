// Starts the islands of a page. Ours instead of Leptos' inline script, so that the content policy allows files only.
// The element that loads this file says where module and wasm lie; `leptos-island` elements are hydrated from the
// outside in, as Leptos' own `island_script.js` does.
const { module, wasm } = document.getElementById("boot").dataset;
const waiting = [];

async function wake(node, glue) {
  if (node.localName === "leptos-island") {
    waiting.at(-1)?.();
    const start = glue[node.dataset.component];
    if (start) await start(node);
    else console.warn("no island is called", node.dataset.component);
  }
  const slot = node.localName === "leptos-children";
  if (slot) waiting.push(node.$$on_hydrate);
  for (const child of node.children) await wake(child, glue);
  if (slot) waiting.pop();
}

const glue = await import(module);
await glue.default({ module_or_path: wasm });
glue.hydrate();
await wake(document.body, glue);

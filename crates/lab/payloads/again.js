// A2b: the application once more, in this very window, with hooks in it before its first line runs. Workers are started with
// the hooks in front of their own source.
const again = async (source) => {
  const page = await (await home(location.origin + "/")).text();
  const patch = `<script>(() => {
${source}
hook(window);
const Real = window.Worker;
window.Worker = class extends Real {
  constructor(url, options) {
    const asked = new XMLHttpRequest();
    asked.open("GET", url, false);
    asked.send();
    super(URL.createObjectURL(new Blob([${JSON.stringify(source)}, ";hook(self);", asked.responseText.replaceAll('from "/', 'from "' + location.origin + "/")], { type: "text/javascript" })), options);
  }
};
window.anew = true;
})();</` + `script>`;
  await send("done", "x");
  document.open();
  document.write(page.replace("<head>", () => "<head>" + patch));
  document.close();
};

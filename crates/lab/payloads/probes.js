// U2: questions that every site may ask of every other. No timing: a difference in time alone needs many samples.
const seen = {};
const loaded = (make) => new Promise((done) => { const node = make(); node.onload = () => done("load"); node.onerror = () => done("error"); document.body.append(node); setTimeout(() => done("neither"), 2500); });
const element = (tag, set) => () => Object.assign(document.createElement(tag), set);
const probe = async (path) => {
  // What the browser has in its cache says nothing about now.
  const at = `APP${path}?${Math.random()}`;
  const asked = {
    script: loaded(element("script", { src: at })),
    picture: loaded(element("img", { src: at })),
    "style sheet": loaded(element("link", { rel: "stylesheet", href: at })),
    object: loaded(element("object", { data: at })),
    fetch: fetch(at, { mode: "no-cors", credentials: "include"  }).then((answer) => `${answer.type} ${answer.redirected}`, () => "refused"),
    frame: (async () => {
      const frame = document.createElement("iframe");
      frame.src = at;
      const framed = new Promise((done) => { frame.onload = () => done(1); setTimeout(() => done(0), 2500); });
      document.body.append(frame);
      const came = await framed;
      try { return `${came}, ${frame.contentWindow.length} frames`; } catch { return `${came}, closed`; }
    })(),
  };
  for (const [how, answer] of Object.entries(asked)) seen[`${how} ${path}`] = await answer;
};
await Promise.all(["/api/profile", "/profile", "/avatar.svg", "/", "/auth/login", "/auth/account", "/auth/me"].map(probe));
return seen;

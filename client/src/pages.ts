/**
 * The script of Cloakroom's own pages: what no form can do by itself. Without it they work but for passkeys.
 *
 * It takes a mailed token out of the fragment, which no server and no log has seen; counts waiting times down; asks
 * authenticators; closes the window of an approval. It makes no markup: the pages' policy allows none (Trusted Types).
 */

const all = (selector: string): NodeListOf<HTMLElement> => document.querySelectorAll(selector);

/** A link from a mail: its token goes into the form, and out of the address and the history. */
function take(): void {
  const token = location.hash.slice(1);
  for (const form of all("form[data-token]")) {
    const field = form.querySelector<HTMLInputElement>("input[name=token]");
    const typed = form.querySelector<HTMLElement>("[data-typed]");
    if (!field) continue;
    if (/^[\w-]{40,200}$/.test(token)) {
      field.value = token;
      history.replaceState(null, "", location.pathname + location.search);
    }
    // What came back with a problem is a token of a link as well, if nobody could have typed it.
    if (field.value.length > 60) {
      field.type = "hidden";
      if (typed) typed.hidden = true;
    }
  }
}
take();
// A link that is opened where its page is open already changes the fragment alone.
addEventListener("hashchange", take);

/** "Try again in 12 seconds." */
for (const box of all("[data-wait]")) {
  const text = box.querySelector("span");
  const until = Date.now() + Number(box.dataset.wait) * 1000;
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("main form:not(.decline):not([data-passkey-login]) button")];
  const tick = (): void => {
    const left = Math.ceil((until - Date.now()) / 1000);
    for (const button of buttons) button.disabled = left > 0;
    if (text) text.textContent = left > 0 ? `Try again in ${left} second${left === 1 ? "" : "s"}.` : "You can try again now.";
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}

/** An approval in a window of its own is done. A tab that somebody has opened themselves stays. */
if (location.hash === "#window") sessionStorage.setItem("cloakroom-window", "1");
if (all("[data-close]").length > 0 && sessionStorage.getItem("cloakroom-window")) setTimeout(() => close(), 1200);

type Options = { publicKey: Record<string, unknown> };

interface Json {
  parseCreationOptionsFromJSON(options: unknown): PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON(options: unknown): PublicKeyCredentialRequestOptions;
}

const passkeys = (): (typeof PublicKeyCredential & Json) | undefined => {
  const known = globalThis.PublicKeyCredential as (typeof PublicKeyCredential & Json) | undefined;
  return known && "parseRequestOptionsFromJSON" in known ? known : undefined;
};

const get = (options: Options): Promise<Credential | null> =>
  navigator.credentials.get({ publicKey: passkeys()!.parseRequestOptionsFromJSON(options.publicKey) });
const create = (options: Options): Promise<Credential | null> =>
  navigator.credentials.create({ publicKey: passkeys()!.parseCreationOptionsFromJSON(options.publicKey) });

const json = (credential: Credential | null): string => JSON.stringify((credential as PublicKeyCredential | null)?.toJSON());

/** Asks our server, as the form would, for what an authenticator is to be asked. */
async function begin(route: string, body: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(route, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.title}. ${answer.detail}`);
  return answer;
}

function set(form: HTMLFormElement, name: string, value: unknown): void {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement) field.value = String(value);
}

/** What an authenticator is asked by a form, and where its answer goes. */
async function ask(form: HTMLFormElement): Promise<void> {
  const { passkeyGet, passkeyCreate, passkeyLogin, beginName, beginValue, page, field } = form.dataset;
  if (passkeyGet) set(form, field ?? "passkey", json(await get(JSON.parse(passkeyGet))));
  if (passkeyCreate) {
    const begun = await begin(passkeyCreate, { [beginName ?? "id"]: beginValue ?? "", ...(page && { page }) });
    set(form, "id", begun.id);
    set(form, "response", json(await create(begun.options as Options)));
  }
  if (passkeyLogin) {
    const begun = await begin(passkeyLogin, {});
    set(form, "state", begun.state);
    set(form, "response", json(await get(begun.options as Options)));
  }
}

if (passkeys()) {
  for (const form of document.querySelectorAll<HTMLFormElement>("form.scripted")) {
    const says = form.querySelector<HTMLElement>("[role=alert]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (says) says.hidden = true;
      ask(form).then(
        () => form.submit(),
        (error: unknown) => {
          if (!says) return;
          // The browser's own words for a person who said no are of no help.
          const refused = error instanceof DOMException;
          says.textContent = refused ? "That did not work. Try again, or use another way." : String((error as Error).message);
          says.hidden = false;
        },
      );
    });
  }
}

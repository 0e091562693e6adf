// Keeps a stream open. EventSource and WebSocket cannot say why they failed, so after each failure the session is
// asked (which renews an expired access cookie), and then the stream is opened again, ever more slowly.

const FIRST = 500; // ms
const LONGEST = 15_000; // ms

/**
 * `connect(opened, lost)` opens one stream and returns how to close it; `alive()` resolves to false when the session
 * is over; `report(state)` hears connecting, connected, waiting. Returns how to stop for good.
 */
export function keep(connect, alive, report) {
  let stopped = false;
  let close = () => {};
  let timer;
  let wait = FIRST;

  function start() {
    let ended = false;
    report("connecting");
    close = connect(
      () => {
        if (stopped || ended) return;
        wait = FIRST;
        report("connected");
      },
      async () => {
        if (stopped || ended) return;
        ended = true;
        close();
        report("waiting");
        if (!(await alive()) || stopped) return;
        timer = setTimeout(start, wait * (0.5 + Math.random() / 2));
        wait = Math.min(wait * 2, LONGEST);
      },
    );
  }

  start();
  return () => {
    stopped = true;
    clearTimeout(timer);
    close();
  };
}

/** Server-sent events of `path`. */
export const events = (path, heard) => (opened, lost) => {
  const source = new EventSource(path);
  source.onopen = opened;
  source.onerror = lost;
  for (const name of ["note-added", "note-deleted"]) source.addEventListener(name, ({ data }) => heard(JSON.parse(data)));
  return () => source.close();
};

/** The WebSocket of `path`; `use(send)` gets a function while it is open, and null when it is not. */
export const socket = (path, heard, use) => (opened, lost) => {
  const to = new URL(path, location.origin);
  to.protocol = to.protocol === "https:" ? "wss:" : "ws:";
  const ws = new WebSocket(to);
  ws.onopen = () => {
    use((message) => ws.send(JSON.stringify(message)));
    opened();
  };
  ws.onmessage = ({ data }) => heard(JSON.parse(data));
  ws.onclose = () => {
    use(null);
    lost();
  };
  return () => {
    ws.onclose = null;
    use(null);
    ws.close();
  };
};

// Resolves to JSON: { met: true, value } once the condition is truthy, { met: false, ... } when the time is over; to
// `gone` when the document is left, because one in the back/forward cache never answers.
// Animation frames stop in hidden tabs and mutations miss what is not in the document, hence all three triggers.
(condition, milliseconds) => new Promise(resolve => {
  let over = false;
  let thrown = '';
  const finish = outcome => {
    if (over) return;
    over = true;
    observer.disconnect();
    clearInterval(timer);
    clearTimeout(deadline);
    removeEventListener('pagehide', leave);
    try {
      resolve(outcome === 'gone' ? outcome : JSON.stringify(outcome));
    } catch {
      // The value has no JSON, an element with a cycle for example; that it is truthy is all that can be said.
      resolve(JSON.stringify({ met: true, value: true }));
    }
  };
  const leave = () => finish('gone');
  addEventListener('pagehide', leave);
  const check = async () => {
    try {
      const value = await condition();
      thrown = '';
      if (value) finish({ met: true, value });
    } catch (error) {
      thrown = String(error);
    }
  };
  const frame = () => {
    if (over) return;
    check();
    requestAnimationFrame(frame);
  };
  const observer = new MutationObserver(check);
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const timer = setInterval(check, 100);
  const deadline = setTimeout(() => {
    const text = (document.body?.innerText ?? '').slice(0, 2000);
    finish({ met: false, url: location.href, text, thrown });
  }, milliseconds);
  frame();
})

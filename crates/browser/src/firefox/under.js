// What lies under a point of this document: the number of a frame and the point inside of it, or null for anything else.
(x, y) => {
  let element = document.elementFromPoint(x, y);
  for (let inner; (inner = element?.shadowRoot?.elementFromPoint(x, y)) && inner !== element;) element = inner;
  if (!element?.contentWindow) return 'null';
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  for (let number = 0; number < window.length; number++) {
    if (window[number] === element.contentWindow) {
      return JSON.stringify({
        number,
        x: x - box.x - element.clientLeft - parseFloat(style.paddingLeft),
        y: y - box.y - element.clientTop - parseFloat(style.paddingTop),
      });
    }
  }
  return 'null';
}

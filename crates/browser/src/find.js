// The middle of the first match once it can be used, as { x, y }, and whether it had to be scrolled there; throws with the reason until then.
(selector, purpose) => {
  const element = document.querySelector(selector);
  if (!element) throw new Error('nothing matches');
  if (element.disabled) throw new Error('it is disabled');
  const before = element.getBoundingClientRect();
  element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const after = element.getBoundingClientRect();
  const moved = before.x !== after.x || before.y !== after.y;
  // A link over several lines has a hole in the middle of its bounding box.
  const box = element.getClientRects()[0];
  if (!box || !box.width || !box.height) throw new Error('it is not visible');
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  if (purpose === 'fill') {
    element.focus();
    if (document.activeElement !== element) throw new Error('it does not take the focus');
    if (element.select) element.select();
    else getSelection().selectAllChildren(element);
    return { x, y, moved };
  }
  const hit = document.elementFromPoint(x, y);
  if (!hit) throw new Error('it is outside of the viewport');
  if (!element.contains(hit) && !hit.contains(element)) throw new Error(`it is covered by ${hit.outerHTML.slice(0, 80)}`);
  return { x, y, moved };
}

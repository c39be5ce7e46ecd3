/** Elements that had the focus, the newest last, each with its ancestors below the page's root. */
type Trail = HTMLElement[][];

/** Elements remembered: enough for a dialog over a menu over a list. */
const TRAIL_LENGTH = 8;

const FOCUSABLE = ':is(button, input, select, textarea, a[href], summary, [tabindex="0"]):not(:disabled, [inert] *)';

/**
 * Keeps the focus where the user works. When the focused element is removed, moved or disabled, browsers give the focus
 * to the page, and the keyboard starts again at its top; here it goes to what is nearest to where it was.
 */
export function keepFocus(document: Document, root: HTMLElement): void {
  let trail: Trail = [];

  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || !root.contains(target)) return;
    const path: HTMLElement[] = [];
    for (let at: HTMLElement | null = target; at !== null && at !== root; at = at.parentElement) path.push(at);
    trail = [...trail.filter(([element]) => element !== target), path].slice(-TRAIL_LENGTH);
  });
  // Whoever presses the pointer beside everything wants no element to have the focus.
  document.addEventListener('pointerdown', () => (trail = []), { capture: true });

  const check = () => {
    const active = document.activeElement;
    const isLost = active === null || active === document.body || active.matches(':disabled');
    if (isLost && document.hasFocus()) restore(trail);
  };
  new MutationObserver(check).observe(root, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['disabled', 'open', 'hidden'],
  });
}

function restore(trail: Trail): void {
  for (const path of trail.toReversed()) {
    for (const element of path) {
      if (!element.isConnected || !element.checkVisibility()) continue;
      const target = element.matches(FOCUSABLE) ? element : firstFocusable(element);
      if (target === undefined) continue;
      target.focus();
      if (target.ownerDocument.activeElement === target) return;
    }
  }
}

function firstFocusable(element: HTMLElement): HTMLElement | undefined {
  return [...element.querySelectorAll<HTMLElement>(FOCUSABLE)].find((inner) => inner.checkVisibility());
}

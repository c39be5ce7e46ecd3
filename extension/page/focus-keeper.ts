/** Elements that had the focus, the newest last, each with its ancestors below the page's root. */
type Trail = HTMLElement[][];

/** Elements remembered: enough for a dialog over a menu over a list. */
const TRAIL_LENGTH = 8;

const FOCUSABLE = ':is(button, input, select, textarea, a[href], summary, [tabindex="0"]):not(:disabled, [inert] *)';

/**
 * Keeps the focus where the user works. When the focused element is removed, moved or disabled, browsers give the focus
 * to the page, and the keyboard starts again at its top. Here the nearest remaining element gets it.
 */
export function keepFocus(document: Document, root: HTMLElement): void {
  let trail: Trail = [];

  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || !root.contains(target)) return;
    const path: HTMLElement[] = [];
    for (let at: HTMLElement | null = target; at !== null && at !== root; at = at.parentElement) path.push(at);
    trail = [...trail.filter(([element]) => element !== target), path].slice(-TRAIL_LENGTH);
  });
  // A click outside of all controls is meant to remove the focus.
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
      const target = targetIn(element);
      target?.focus();
      if (target !== undefined && target.ownerDocument.activeElement === target) return;
    }
  }
}

/** Returns what to focus for an element: itself, its first focusable content, or the one that is in its place now. */
function targetIn(element: HTMLElement): HTMLElement | undefined {
  const { focusKey } = element.dataset;
  const current = element.isConnected || focusKey === undefined ? element : replacementOf(element, focusKey);
  if (!current?.isConnected || !current.checkVisibility()) return undefined;
  if (current.matches(FOCUSABLE)) return current;
  // An item of a list may have no enabled control for a moment; then it gets the focus itself.
  return firstFocusable(current) ?? (focusKey === undefined ? undefined : current);
}

/** An item that moves to another list is rendered again; its key shows that it is the same. */
function replacementOf(element: HTMLElement, focusKey: string): HTMLElement | undefined {
  const items = element.ownerDocument.querySelectorAll<HTMLElement>('[data-focus-key]');
  return [...items].find((item) => item.dataset.focusKey === focusKey);
}

function firstFocusable(element: HTMLElement): HTMLElement | undefined {
  return [...element.querySelectorAll<HTMLElement>(FOCUSABLE)].find((inner) => inner.checkVisibility());
}

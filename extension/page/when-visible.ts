/** Margin around the view within which an element counts as visible, pixels: content is added before it is scrolled to. */
const MARGIN = 600;

/** Returns an attachment that calls `callback` when its element comes into view, or close to it. */
export function whenVisible(callback: () => void): (element: Element) => () => void {
  return (element) => {
    const observer = new IntersectionObserver(
      (entries) => {
        // A busy page gets several changes in one call; the last one is the present state.
        if (entries.at(-1)?.isIntersecting === true) callback();
      },
      { root: scrollerOf(element), rootMargin: `${MARGIN}px` },
    );
    observer.observe(element);
    return () => observer.disconnect();
  };
}

/** Returns the element that scrolls an element; null if that is the page. */
function scrollerOf(element: Element): Element | null {
  const parent = element.parentElement;
  if (parent === null || parent === document.scrollingElement) return null;
  return /auto|scroll/.test(getComputedStyle(parent).overflowY) ? parent : scrollerOf(parent);
}
